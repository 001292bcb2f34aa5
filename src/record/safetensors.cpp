// SPDX-License-Identifier: Apache-2.0
#include "record/safetensors.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <numeric>
#include <set>

#include "core/hash.hpp"
#include "record/file.hpp"
#include "record/json.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the format is little-endian, and floats are written as they lie");

constexpr const char* kMetadataKey = "__metadata__";
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the format
constexpr std::size_t kLengthBytes = 8;

void add_tensor(Json& header, const std::string& name, const std::vector<std::int64_t>& shape, std::size_t size,
                std::uint64_t& offset) {
  TG_CHECK(name != kMetadataKey && !header.contains(name), "tensor name `", name, "` is taken");
  const std::uint64_t end = offset + size * sizeof(float);
  header[name] = {{"dtype", "F32"}, {"shape", shape}, {"data_offsets", {offset, end}}};
  offset = end;
}

std::string header_of(const Layout& layout, const std::vector<ExtraTensor>& extra,
                      const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header[kMetadataKey] = metadata;
  std::uint64_t offset = 0;
  for (const TensorSlot& slot : layout.tensors()) add_tensor(header, slot.name, slot.shape, slot.size, offset);
  for (const ExtraTensor& tensor : extra) add_tensor(header, tensor.name, tensor.shape, tensor.values.size(), offset);
  std::string text = to_line(header);
  text.append((8 - text.size() % 8) % 8, ' ');  // the data begins at a multiple of 8
  return text;
}

/// Where a tensor lies in the data of a file.
struct Slot {
  std::string name;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;
};

class Reader {
 public:
  explicit Reader(const std::filesystem::path& path) : path_(path), file_(path), file_bytes_(file_.bytes()) {}

  SafetensorsContents read() {
    const Json header = read_header();
    SafetensorsContents contents;
    std::vector<Slot> slots;
    for (const auto& [name, entry] : header.items()) {
      if (name == kMetadataKey)
        contents.metadata = metadata_of(entry);
      else
        slots.push_back(slot_of(name, entry));
    }
    // Empty tensors share their offset with a neighbour: the end decides then.
    std::sort(slots.begin(), slots.end(),
              [](const Slot& a, const Slot& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    check_dense(slots);
    for (Slot& slot : slots) contents.tensors.push_back(read_tensor(std::move(slot)));
    contents.hash = hasher_.hex();
    contents.bytes = file_bytes_;
    return contents;
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw Error(fmt::format("{}: not a safetensors file of float32: {}", path_.string(), problem));
  }

  void read_bytes(void* to, std::uint64_t count) {
    const std::span<std::byte> bytes(static_cast<std::byte*>(to), count);
    if (file_.read(bytes) != count) fail("the file ends too early");
    hasher_.add(bytes);
  }

  Json read_header() {
    if (file_bytes_ < kLengthBytes) fail(fmt::format("it has {} bytes, too few for a header", file_bytes_));
    std::array<unsigned char, kLengthBytes> raw{};
    read_bytes(raw.data(), raw.size());
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) length |= std::uint64_t{raw[i]} << (8 * i);
    if (length > kMaxHeaderBytes || length > file_bytes_ - kLengthBytes)
      fail(fmt::format("a header of {} bytes does not fit in a file of {} bytes", length, file_bytes_));
    data_bytes_ = file_bytes_ - kLengthBytes - length;
    std::string text(length, '\0');
    read_bytes(text.data(), length);
    if (text.empty() || text.front() != '{') fail("the header does not begin with `{`");
    return parse_header(text);
  }

  Json parse_header(const std::string& text) const {
    std::vector<std::set<std::string>> keys;  // of the objects that are open
    const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
      if (depth > 2 && event != Json::parse_event_t::value) fail("the header is nested too deeply");
      if (event == Json::parse_event_t::object_start) keys.emplace_back();
      if (event == Json::parse_event_t::object_end) keys.pop_back();
      if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second)
        fail(fmt::format("`{}` stands twice in the header", value.get<std::string>()));
      return true;
    };
    try {
      return Json::parse(text, watch);
    } catch (const Json::exception&) {
      fail("the header is not JSON");
    }
  }

  std::map<std::string, std::string> metadata_of(const Json& entry) const {
    if (!entry.is_object()) fail("__metadata__ must be a table of texts");
    std::map<std::string, std::string> metadata;
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string()) fail(fmt::format("__metadata__.{} must be a text", key));
      metadata[key] = value.get<std::string>();
    }
    return metadata;
  }

  Slot slot_of(const std::string& name, const Json& entry) const {
    const auto wrong = [&](const std::string& problem) { fail(fmt::format("tensor `{}`: {}", name, problem)); };
    const auto is_count = [](const Json& value) {
      return value.is_number_unsigned() && value.get<std::uint64_t>() <= std::uint64_t{INT64_MAX};
    };
    const auto are_counts = [&](const Json& list) {
      return list.is_array() && std::all_of(list.begin(), list.end(), is_count);
    };
    if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") || !entry.contains("shape") ||
        !entry.contains("data_offsets"))
      wrong("must have exactly dtype, shape and data_offsets");
    if (entry["dtype"] != "F32") wrong(fmt::format("dtype {}, only \"F32\" is read", to_line(entry["dtype"])));
    const Json& shape = entry["shape"];
    const Json& offsets = entry["data_offsets"];
    if (!are_counts(shape)) wrong("shape must be a list of integers >= 0");
    if (!are_counts(offsets) || offsets.size() != 2) wrong("data_offsets must be two integers >= 0");
    Slot slot{name, shape.get<std::vector<std::int64_t>>(), offsets[0].get<std::uint64_t>(),
              offsets[1].get<std::uint64_t>()};
    if (slot.begin > slot.end || slot.end > data_bytes_)
      wrong(fmt::format("data_offsets [{}, {}] do not lie in {} bytes of data", slot.begin, slot.end, data_bytes_));
    if (bytes_of(slot) != slot.end - slot.begin)
      wrong(fmt::format("shape {} does not fill {} bytes", to_line(shape), slot.end - slot.begin));
    return slot;
  }

  // The bytes of a shape, or UINT64_MAX when they are more than any file has.
  static std::uint64_t bytes_of(const Slot& slot) {
    if (std::find(slot.shape.begin(), slot.shape.end(), 0) != slot.shape.end()) return 0;
    std::uint64_t bytes = sizeof(float);
    for (const std::int64_t extent : slot.shape)
      if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(extent), &bytes)) return UINT64_MAX;
    return bytes;
  }

  void check_dense(const std::vector<Slot>& slots) const {
    std::uint64_t at = 0;
    for (const Slot& slot : slots) {
      if (slot.begin != at)
        fail(fmt::format("tensor `{}` begins at {}, but the one before it ends at {}", slot.name, slot.begin, at));
      at = slot.end;
    }
    if (at != data_bytes_) fail(fmt::format("{} bytes of data belong to no tensor", data_bytes_ - at));
  }

  ExtraTensor read_tensor(Slot slot) {
    ExtraTensor tensor{std::move(slot.name), std::move(slot.shape), {}};
    tensor.values.resize((slot.end - slot.begin) / sizeof(float));
    if (!tensor.values.empty()) read_bytes(tensor.values.data(), slot.end - slot.begin);
    return tensor;
  }

  const std::filesystem::path& path_;
  InputFile file_;
  std::uint64_t file_bytes_ = 0, data_bytes_ = 0;
  Hasher hasher_;
};

}  // namespace

void write_safetensors(const std::filesystem::path& path, const Layout& layout, std::span<const float> values,
                       const std::vector<ExtraTensor>& extra, const std::map<std::string, std::string>& metadata) {
  TG_CHECK(values.size() == layout.dimension(), values.size(), " values for a layout of ", layout.dimension());
  const std::string header = header_of(layout, extra, metadata);
  std::array<std::byte, kLengthBytes> length{};
  for (std::size_t i = 0; i < length.size(); ++i) length[i] = static_cast<std::byte>(header.size() >> (8 * i) & 0xff);
  AtomicFile file(path);
  file.write(length);
  file.write(header);
  file.write(std::as_bytes(values));
  for (const ExtraTensor& tensor : extra) file.write(std::as_bytes(std::span(tensor.values)));
  file.commit();
}

SafetensorsContents read_safetensors(const std::filesystem::path& path) { return Reader(path).read(); }

}  // namespace tardigrad::record
