// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "engines/wire/codec.hpp"
#include "support/wire_examples.hpp"

namespace tardigrad::wire {
namespace {

using Bytes = std::vector<std::byte>;

std::string problem(const Bytes& bytes) { return decode(bytes).problem; }

TEST(WireCodec, EveryMessageComesOutAsItWentIn) {
  std::set<std::size_t> kinds;
  for (const Message& message : test::wire_examples()) {
    kinds.insert(message.index());
    const Bytes bytes = encode(message).joined();
    const Decoded decoded = decode(bytes);
    ASSERT_TRUE(decoded.message) << message.index() << ": " << decoded.problem;
    EXPECT_EQ(decoded.message->index(), message.index());
    EXPECT_EQ(encode(*decoded.message).joined(), bytes) << message.index();
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Message>) << "an example of each kind";
}

TEST(WireCodec, FieldsAreWhereTheyWere) {
  const auto examples = test::wire_examples();
  const Message hello = *decode(encode(examples[0]).joined()).message;
  const Hello& h = std::get<Hello>(hello);
  EXPECT_EQ(h.identity, (Identity{"abc", {6, 4}, "def"}));
  EXPECT_EQ(h.name, "anna");
  EXPECT_EQ(h.last, (Session{3, 7}));
  EXPECT_EQ(h.holds.size(), 2u);
  const Message assign = *decode(encode(examples[3]).joined()).message;
  const Assign& a = std::get<Assign>(assign);
  EXPECT_EQ(a.order.id, (OrderId{3} << 40) + 5);
  EXPECT_EQ(a.order.work, std::get<Assign>(examples[3]).order.work);
}

TEST(WireCodec, TheFormIsWhatTheDocumentSays) {
  const Bytes bytes = encode(Ack{0x0102030405060708}).joined();
  const Bytes expected{std::byte{1}, std::byte{7}, std::byte{8}, std::byte{7}, std::byte{6},
                       std::byte{5}, std::byte{4}, std::byte{3}, std::byte{2}, std::byte{1}};
  EXPECT_EQ(bytes, expected);
  // The sizes in docs/protocol.md: without texts, lists and bytes of chunks.
  const std::vector<std::size_t> heads = {2 + 85, 2 + 57, 2 + 5, 2 + 105, 2 + 28, 2 + 28, 2 + 60,
                                          2 + 8,  2 + 13, 2 + 8, 2 + 8,   2 + 4,  2 + 0,  2 + 5};
  std::vector<std::size_t> found;
  for (const Message& message :
       {Message(Hello{}), Message(Welcome{}), Message(Refused{}), Message(Assign{}), Message(ParameterChunk{}),
        Message(GradientChunk{}), Message(Result{}), Message(Ack{}), Message(Refuse{}), Message(Cancel{}),
        Message(Heartbeat{}), Message(Credit{}), Message(Drain{}), Message(Goodbye{})})
    found.push_back(encode(message).joined().size());
  EXPECT_EQ(found, heads);
}

TEST(WireCodec, NothingShorterOrLongerIsAMessage) {
  for (const Message& message : test::wire_examples()) {
    const Bytes bytes = encode(message).joined();
    const bool open_ended =
        std::holds_alternative<ParameterChunk>(message) || std::holds_alternative<GradientChunk>(message);
    const std::size_t whole = open_ended ? encode(message).head.size() : bytes.size();
    for (std::size_t size = 0; size < whole; ++size)
      EXPECT_FALSE(decode(std::span(bytes).first(size)).message) << message.index() << " of " << size;
    if (open_ended) continue;
    Bytes longer = bytes;
    longer.push_back(std::byte{0});
    EXPECT_EQ(problem(longer), "there are bytes behind its end") << message.index();
  }
}

TEST(WireCodec, NoLengthIsTrusted) {
  Bytes goodbye = encode(Goodbye{"abc"}).joined();
  goodbye[2] = goodbye[3] = std::byte{0xff};
  EXPECT_EQ(problem(goodbye), "something in it is longer than it may be");
  goodbye[2] = std::byte{4}, goodbye[3] = std::byte{0};
  EXPECT_EQ(problem(goodbye), "it ends too early");
  Bytes hello = encode(Hello{}).joined();
  hello[2 + 4 + 4] = std::byte{200};  // 200 tensors, of which none is there
  EXPECT_EQ(problem(hello), "it ends too early");
  Bytes chunk = encode(GradientChunk{}).joined();
  chunk.resize(chunk.size() + kMostChunk + 1);
  EXPECT_EQ(problem(chunk), "a chunk is longer than it may be");
}

TEST(WireCodec, WhatIsNotKnownIsSaid) {
  Bytes ack = encode(Ack{1}).joined();
  ack[0] = std::byte{2};
  EXPECT_EQ(problem(ack), "it has another form");
  ack[0] = std::byte{1}, ack[1] = std::byte{14};
  EXPECT_EQ(problem(ack), "its kind is not known");
  Bytes refuse = encode(Refuse{}).joined();
  refuse.back() = static_cast<std::byte>(kRefusals);
  EXPECT_EQ(problem(refuse), "a reason that is not known");
  Bytes goodbye = encode(Goodbye{}).joined();
  goodbye.back() = std::byte{2};
  EXPECT_EQ(problem(goodbye), "neither yes nor no");
  Bytes result = encode(Result{}).joined();
  for (std::size_t i = 0; i < 8; ++i) result[result.size() - 12 + i] = std::byte{0xff};
  EXPECT_EQ(problem(result), "a time before the beginning");
}

TEST(WireCodec, AChunkIsNotCopiedWhereItsBytesHaveAnOwner) {
  const auto owner = std::make_shared<const Bytes>(encode(test::wire_examples()[5]).joined());
  const Decoded decoded = decode(*owner, owner);
  ASSERT_TRUE(decoded.message);
  const std::span<const std::byte> view = std::get<GradientChunk>(*decoded.message).bytes.view();
  EXPECT_EQ(view.data() + view.size(), owner->data() + owner->size());
}

TEST(WireCodec, EveryReasonHasWords) {
  std::set<std::string> words;
  for (std::size_t i = 0; i < kRefusals; ++i) words.insert(describe(static_cast<Refusal>(i)));
  EXPECT_EQ(words.size(), kRefusals);
  EXPECT_FALSE(words.contains(""));
}

}  // namespace
}  // namespace tardigrad::wire
