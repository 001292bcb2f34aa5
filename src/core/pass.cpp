// SPDX-License-Identifier: Apache-2.0
#include "core/pass.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tardigrad/error.hpp"
#include "tardigrad/rng.hpp"

namespace tardigrad::kernels {
namespace {

float with_sign_of(float p, float magnitude) { return p > 0 ? magnitude : p < 0 ? -magnitude : p; }

}  // namespace

void execute(const Pass& pass, std::size_t size, const std::function<Operand(Vec)>& memory, Threads) {
  struct Named {
    Vec name;
    Operand operand;
    bool written = false;
  };
  std::vector<Named> named;
  std::vector<std::vector<float>> temporaries(Pass::kMostTemporaries, std::vector<float>(size));
  const auto find = [&](Vec v) -> Named& {
    for (Named& each : named)
      if (each.name == v) return each;
    if (v.kind == Vec::Kind::temporary) {
      named.push_back({v, {temporaries[v.index], temporaries[v.index]}});
    } else {
      named.push_back({v, memory(v)});
    }
    return named.back();
  };
  const auto read = [&](Vec v) -> const float* {
    if (v.kind == Vec::Kind::none) return nullptr;
    const Named& found = find(v);
    return found.written ? found.operand.write.data() : found.operand.read.data();
  };
  for (const Pass::Statement& s : pass.statements()) {
    const float* p = read(s.p);
    const float* q = read(s.q);
    const float* r = read(s.r);
    Named& out = find(s.out);
    TG_CHECK(out.operand.write.size() == size, "a pass writes a vector that it may only read");
    out.written = true;
    float* o = out.operand.write.data();
    const auto a = static_cast<float>(s.a), b = static_cast<float>(s.b), c = static_cast<float>(s.c),
               d = static_cast<float>(s.d);
    Stream stream(s.seed, Purpose::privacy, 0, s.index);
    for (std::size_t j = 0; j < size; ++j) {
      switch (s.op) {
        case Pass::Op::scale:
          o[j] = a == 0.0f ? 0.0f : a * p[j];
          break;
        case Pass::Op::add:
          o[j] = p[j] + a * q[j];
          break;
        case Pass::Op::mix:
          o[j] = a * p[j] + b * q[j];
          break;
        case Pass::Op::square:
          o[j] = a * p[j] + b * (q[j] * q[j]);
          break;
        case Pass::Op::multiply:
          o[j] = p[j] * q[j];
          break;
        case Pass::Op::maximum:
          o[j] = std::max(p[j], q[j]);
          break;
        case Pass::Op::divide_root:
          o[j] = (p ? p[j] : 0.0f) + a * q[j] / (std::sqrt(b * r[j] + c) + d);
          break;
        case Pass::Op::clamp:
          o[j] = with_sign_of(p[j], std::min(std::max(std::abs(p[j]), a), b));
          break;
        case Pass::Op::soft_threshold:
          o[j] = with_sign_of(p[j], std::max(std::abs(p[j]) - a, 0.0f));
          break;
        case Pass::Op::sign:
          o[j] = a * with_sign_of(p[j], 1.0f);
          break;
        case Pass::Op::noise:
          o[j] = p[j] + a * static_cast<float>(stream.normal());
          break;
      }
    }
  }
}

}  // namespace tardigrad::kernels
