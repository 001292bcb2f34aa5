// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <mutex>
#include <span>
#include <utility>

#include "engines/grpc/transport/bytes.hpp"

namespace tardigrad::grpc {

/// One side of a worker's stream, above the reactor of that side: what is sent goes in its order, one batch at a time,
/// and what waits goes as one.
/// Thread  any; what gRPC calls, by its threads
template <class Reactor>
class Stream : public Reactor {
 public:
  void send(std::span<const wire::Message> messages) {
    const std::scoped_lock lock(mutex_);
    if (closing_ || ended_) return;
    for (const wire::Message& message : messages) outbox_.push(message);
    if (!writing_) write();
  }
  /// When what waits has gone.
  void close() {
    const std::scoped_lock lock(mutex_);
    if (!closing_) begin_to_close();
  }

 protected:
  /// Nothing more will be written. Once, under mutex_.
  virtual void end_writes() = 0;

  /// The other side has said all it will, or is gone.
  void hang_up() {
    const std::scoped_lock lock(mutex_);
    outbox_ = {};
    begin_to_close();
  }
  /// A batch has gone, or could not.  Pre  mutex_ is held
  void wrote(bool ok) {
    writing_ = false;
    out_.Clear();
    if (!ok) {
      outbox_ = {};
      closing_ = true;
    }
    if (!outbox_.empty())
      write();
    else
      end_if_due();
  }

  std::mutex mutex_;  // of what follows
  Outbox outbox_;
  bool closing_ = false;
  std::chrono::steady_clock::time_point closed_at_;

 private:
  void begin_to_close() {
    closing_ = true;
    closed_at_ = std::chrono::steady_clock::now();
    end_if_due();
  }
  void write() {
    network::Batch batch = outbox_.pop();
    out_ = to_grpc(batch);
    writing_ = true;
    this->StartWrite(&out_);
  }
  void end_if_due() {
    if (!closing_ || writing_ || ended_ || !outbox_.empty()) return;
    ended_ = true;
    end_writes();
  }

  ::grpc::ByteBuffer out_;
  bool writing_ = false, ended_ = false;
};

}  // namespace tardigrad::grpc
