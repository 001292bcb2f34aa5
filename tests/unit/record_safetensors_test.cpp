// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "record/file.hpp"
#include "record/safetensors.hpp"
#include "record_test_support.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::record {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::ThrowsMessage;

std::string length_of(std::uint64_t length) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes;
}

std::string with_header(const std::string& header, std::size_t data_bytes = 0) {
  return length_of(header.size()) + header + std::string(data_bytes, '\0');
}

class Safetensors : public testing::Test {
 protected:
  void refuses(const std::string& bytes, const std::string& why) {
    const auto file = directory_ / "bad.safetensors";
    write_file(file, bytes);
    EXPECT_THAT(
        [&] { read_safetensors(file); },
        ThrowsMessage<Error>(AllOf(HasSubstr(file.string() + ": not a safetensors file of float32: "), HasSubstr(why))))
        << bytes;
  }
  void refuses_tensor(const std::string& entry, const std::string& why, std::size_t data_bytes = 8) {
    refuses(with_header(R"({"w":)" + entry + "}", data_bytes), "tensor `w`: " + why);
  }
  TemporaryDirectory directory_;
};

TEST_F(Safetensors, HasTheseBytes) {
  Layout layout;
  layout.add("w", {1, 2});
  layout.add("b", {1});
  const std::vector<float> values = {1.0f, -2.0f, 0.5f};
  const auto file = directory_ / "model.safetensors";
  write_safetensors(file, layout, values, {{"mean", {}, {3.0f}}}, {{"format", "pt"}});
  const std::string header = R"({"__metadata__":{"format":"pt"},)"
                             R"("w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
                             R"("b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]},)"
                             R"("mean":{"dtype":"F32","shape":[],"data_offsets":[12,16]}})";
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  // 1.0f, -2.0f, 0.5f, 3.0f in IEEE 754, little-endian
  const std::string data("\0\0\x80\x3f\0\0\0\xc0\0\0\0\x3f\0\0\x40\x40", 16);
  EXPECT_EQ(read_file(file), length_of(header.size() + padding.size()) + header + padding + data);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_.path()), {}), 1);
}

TEST_F(Safetensors, ComesBack) {
  Layout layout;
  layout.add("conv.weight", {2, 3});
  layout.add("empty", {0, 5});
  layout.add("scalar", {});
  const std::vector<float> values = {1, 2, 3, 4, 5, 6, 7};
  const auto file = directory_ / "model.safetensors";
  write_safetensors(file, layout, values, {{"running", {2}, {8, 9}}}, {{"seed", "7"}, {"\"", "\n"}});
  const SafetensorsContents contents = read_safetensors(file);
  EXPECT_EQ(contents.metadata, (std::map<std::string, std::string>{{"seed", "7"}, {"\"", "\n"}}));
  ASSERT_EQ(contents.tensors.size(), 4u);
  std::map<std::string, std::pair<std::vector<std::int64_t>, std::vector<float>>> tensors;
  for (const ExtraTensor& tensor : contents.tensors) tensors[tensor.name] = {tensor.shape, tensor.values};
  EXPECT_EQ(tensors["conv.weight"].first, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(tensors["conv.weight"].second, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(tensors["empty"].first, (std::vector<std::int64_t>{0, 5}));
  EXPECT_TRUE(tensors["empty"].second.empty());
  EXPECT_EQ(tensors["scalar"].second, (std::vector<float>{7}));
  EXPECT_EQ(tensors["running"].second, (std::vector<float>{8, 9}));
}

TEST_F(Safetensors, NothingButAHeaderIsAFileWithoutTensors) {
  write_file(directory_ / "empty", with_header("{}      "));
  EXPECT_TRUE(read_safetensors(directory_ / "empty").tensors.empty());
}

TEST_F(Safetensors, EveryTruncationIsRefused) {
  const auto file = directory_ / "model.safetensors";
  write_safetensors(file, Layout("x", 3), std::vector<float>{1, 2, 3});
  const std::string whole = read_file(file);
  for (std::size_t size = 0; size < whole.size(); ++size) refuses(whole.substr(0, size), "");
  refuses(whole + '\0', "1 bytes of data belong to no tensor");
}

TEST_F(Safetensors, LyingHeadersAreRefused) {
  refuses("", "it has 0 bytes, too few for a header");
  refuses(length_of(UINT64_MAX) + "{}", "a header of 18446744073709551615 bytes does not fit in a file of 10 bytes");
  refuses(length_of(3) + "{}", "a header of 3 bytes does not fit");
  refuses(with_header("[]"), "the header does not begin with `{`");
  refuses(with_header(""), "the header does not begin with `{`");
  refuses(with_header("{\"w\""), "the header is not JSON");
  refuses(with_header(R"({"a":{"b":{"c":{"d":1}}}})"), "the header is nested too deeply");
  refuses(with_header(R"({"a":)" + std::string(100000, '[') + "}"), "the header is nested too deeply");
  refuses(with_header(R"({"w":{},"w":{}})"), "`w` stands twice in the header");
  refuses(with_header(R"({"__metadata__":[]})"), "__metadata__ must be a table of texts");
  refuses(with_header(R"({"__metadata__":{"seed":1}})"), "__metadata__.seed must be a text");
}

TEST_F(Safetensors, LyingTensorsAreRefused) {
  refuses_tensor("1", "must have exactly dtype, shape and data_offsets");
  refuses_tensor(R"({"dtype":"F32","shape":[2]})", "must have exactly dtype, shape and data_offsets");
  refuses_tensor(R"({"dtype":"F16","shape":[2],"data_offsets":[0,8]})", "dtype \"F16\", only \"F32\" is read");
  refuses_tensor(R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})", "shape must be a list of integers >= 0");
  refuses_tensor(R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})", "shape must be a list of integers >= 0");
  refuses_tensor(R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})", "shape must be a list of integers >= 0");
  refuses_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0]})", "data_offsets must be two integers >= 0");
  refuses_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})", "data_offsets [8, 0] do not lie in 8 bytes");
  refuses_tensor(R"({"dtype":"F32","shape":[2],"data_offsets":[0,16]})", "data_offsets [0, 16] do not lie in 8 bytes");
  refuses_tensor(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})", "shape [3] does not fill 8 bytes");
  // 2^62 * 4 is 0 modulo 2^64
  refuses_tensor(R"({"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]})",
                 "shape [4611686018427387904] does not fill 0 bytes");
}

TEST_F(Safetensors, GapsAndOverlapsAreRefused) {
  const auto two = [](const std::string& a, const std::string& b) {
    return with_header(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":)" + a +
                           R"(},"b":{"dtype":"F32","shape":[1],"data_offsets":)" + b + "}}",
                       12);
  };
  refuses(two("[0,4]", "[8,12]"), "tensor `b` begins at 8, but the one before it ends at 4");
  refuses(two("[0,4]", "[0,4]"), "tensor `b` begins at 0, but the one before it ends at 4");
  refuses(two("[0,4]", "[2,6]"), "tensor `b` begins at 2, but the one before it ends at 4");
  refuses(two("[0,4]", "[4,8]"), "4 bytes of data belong to no tensor");
}

TEST_F(Safetensors, PlacesThatCannotBeReadOrWritten) {
  EXPECT_THAT([] { read_safetensors("/nonexistent"); },
              ThrowsMessage<Error>("/nonexistent: cannot read: No such file or directory"));
  EXPECT_THAT(
      [&] { read_safetensors(directory_.path()); },
      ThrowsMessage<Error>(HasSubstr(directory_.path().string() + ": cannot read: is a directory, not a file")));
  EXPECT_THAT([] { write_safetensors("/nonexistent/m", Layout("x", 0), {}); },
              ThrowsMessage<Error>("/nonexistent/m: cannot write: No such file or directory"));
}

TEST_F(Safetensors, ATakenNameIsABug) {
  Layout layout("x", 0);
  EXPECT_DEATH(write_safetensors(directory_ / "m", layout, {}, {{"x", {0}, {}}}), "tensor name `x` is taken");
  EXPECT_DEATH(write_safetensors(directory_ / "m", Layout("x", 1), {}), "0 values for a layout of 1");
}

}  // namespace
}  // namespace tardigrad::record
