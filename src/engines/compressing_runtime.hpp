// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "engines/forwarding_runtime.hpp"
#include "engines/run_compression.hpp"

namespace tardigrad {

/// A runtime whose workers are in this process, as if they sent each other what `plan` says: orders are computed at
/// rounded parameters, and gradients come compressed.
/// Cost    O(d) an arrival that is looked at, on the loop's thread; with error feedback every gradient is computed
/// Memory  a vector, and RunCompression's
class CompressingRuntime final : public ForwardingRuntime, Saveable {
 public:
  /// What it is made from outlives it, but for the runtime.
  CompressingRuntime(std::unique_ptr<Runtime> inner, const compression::Plan& plan, std::uint64_t seed,
                     BufferPool& buffers)
      : ForwardingRuntime(*inner),
        owned_(std::move(inner)),
        buffers_(buffers),
        compression_(plan, seed, buffers),
        gradient_(*this) {}

  std::optional<Event> next(Time limit) override;
  OrderId assign(WorkerId worker, const Snapshot& snapshot, const LocalWork& work) override {
    return inner_.assign(worker, compression_.parameters(snapshot), work);
  }
  Saveable* saveable() override { return inner_.saveable() ? this : nullptr; }

 private:
  class Compressed final : public Gradient {
   public:
    explicit Compressed(CompressingRuntime& runtime) : runtime_(runtime) {}
    double norm() const override { return runtime_.compressed().norm; }
    std::span<const float> values() const override;
    std::span<const float> point() const override { return runtime_.arrived_->point(); }

   private:
    CompressingRuntime& runtime_;
  };
  struct Done {
    bool finite = false;
    double norm = 0.0;
  };

  const Done& compressed();
  void finish_arrival();
  void serialize(Archive& archive) override;

  const std::unique_ptr<Runtime> owned_;
  BufferPool& buffers_;
  RunCompression compression_;
  Compressed gradient_;
  const Gradient* arrived_ = nullptr;
  Order order_;
  std::optional<Done> done_;
  Buffer values_;
};

}  // namespace tardigrad
