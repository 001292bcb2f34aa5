// SPDX-License-Identifier: Apache-2.0
// Any bytes are a recording whose events follow each other, or an Error. Checksums are mended first, as no fuzzer
// would ever guess one.
#include <cstring>

#include "core/hash.hpp"
#include "record/recording_reader.hpp"
#include "tardigrad/error.hpp"

namespace {

using namespace tardigrad;

void mend(std::string& bytes) {
  std::size_t at = record::format::kMagic.size();
  while (bytes.size() >= at + record::format::kBlockHead) {
    std::uint32_t length = 0;
    std::memcpy(&length, bytes.data() + at, sizeof length);
    if (bytes.size() - at - record::format::kBlockHead < length) return;
    const std::uint64_t hash = hash64(std::as_bytes(std::span(bytes.data() + at + record::format::kBlockHead, length)));
    std::memcpy(bytes.data() + at + sizeof length, &hash, sizeof hash);
    at += record::format::kBlockHead + length;
  }
}

void read_all(std::string bytes) {
  try {
    record::RecordingReader reader(std::move(bytes), "fuzz");
    std::uint64_t events = 0;
    Time last{};
    while (const std::optional<record::RecordedEvent> event = reader.next()) {
      TG_CHECK(event->number == ++events && event->time >= last);
      last = event->time;
      TG_CHECK(!describe(*event).empty());
    }
    using Status = record::RecordingReader::Status;
    TG_CHECK(reader.status() != Status::reading);
    TG_CHECK((reader.status() == Status::ended) == reader.end().has_value());
    TG_CHECK((reader.status() == Status::ended) == reader.trouble().empty());
  } catch (const Error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  read_all(bytes);
  mend(bytes);
  read_all(bytes);
  return 0;
}
