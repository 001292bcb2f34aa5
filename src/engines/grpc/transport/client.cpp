// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>

#include "engines/grpc/transport/bytes.hpp"
#include "engines/grpc/transport/credentials.hpp"
#include "engines/grpc/transport/handshake.hpp"
#include "engines/grpc/transport/stream.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::grpc {
namespace {

using network::ConnectionId;

// A channel of its own for every connection: none waits because another one failed.
std::shared_ptr<::grpc::Channel> make_channel(const network::ClientOptions& options) {
  ::grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(static_cast<int>(network::Batch::kMost));
  const auto set = [&](const char* name, int value) { arguments.SetInt(name, value); };
  for_long_messages(set);
  set("grpc.use_local_subchannel_pool", 1);
  set("grpc.enable_http_proxy", 0);
  return ::grpc::CreateCustomChannel(options.address, client_credentials(options.credentials), arguments);
}

void add_token(::grpc::ClientContext& context, const network::ClientOptions& options) {
  if (!options.token.empty()) context.AddMetadata("authorization", "Bearer " + options.token);
}

class GrpcClient;

class ClientStream final : public Stream<::grpc::ClientBidiReactor<::grpc::ByteBuffer, ::grpc::ByteBuffer>> {
 public:
  ClientStream(ConnectionId id, GrpcClient& client) : id_(id), client_(client) {}
  void begin(const network::ClientOptions& options);
  void cancel() { context_.TryCancel(); }

 private:
  void OnReadInitialMetadataDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone(const ::grpc::Status& status) override;
  void end_writes() override;

  const ConnectionId id_;
  GrpcClient& client_;
  std::shared_ptr<::grpc::Channel> channel_;
  std::unique_ptr<::grpc::GenericStub> stub_;
  ::grpc::ClientContext context_;
  ::grpc::ByteBuffer in_;
};

class GrpcClient final : public network::Client {
 public:
  GrpcClient(network::ClientOptions options, network::ClientEvents& events)
      : options_(std::move(options)), events_(events) {}
  ~GrpcClient() override {
    for (const auto& stream : all()) stream->close();
    if (!empty_after(kTimeToFlush))
      for (const auto& stream : all()) stream->cancel();
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return streams_.empty(); });
    lock.unlock();
    reap();
  }
  GrpcClient(const GrpcClient&) = delete;
  GrpcClient& operator=(const GrpcClient&) = delete;

  void connect(ConnectionId connection) override {
    for (const auto& stream : all()) stream->cancel();  // of those that were to end and did not yet
    reap();
    const auto stream = std::make_shared<ClientStream>(connection, *this);
    {
      const std::scoped_lock lock(mutex_);
      streams_[connection] = stream;
    }
    stream->begin(options_);
  }
  void send(ConnectionId connection, std::span<const wire::Message> messages) override {
    if (const auto stream = find(connection)) stream->send(messages);
  }
  void disconnect(ConnectionId connection) override {
    if (const auto stream = find(connection)) stream->close();
  }

  network::ClientEvents& events() { return events_; }
  void remove(ConnectionId connection) {
    const std::scoped_lock lock(mutex_);
    const auto found = streams_.find(connection);
    ended_.push_back(std::move(found->second));
    streams_.erase(found);
    changed_.notify_all();
  }

 private:
  // A channel must not be destroyed by one of gRPC's own threads: the last one waits for them.
  void reap() {
    std::vector<std::shared_ptr<ClientStream>> ended;  // outlives the lock
    const std::scoped_lock lock(mutex_);
    ended.swap(ended_);
  }
  std::shared_ptr<ClientStream> find(ConnectionId connection) {
    const std::scoped_lock lock(mutex_);
    const auto found = streams_.find(connection);
    return found == streams_.end() ? nullptr : found->second;
  }
  std::vector<std::shared_ptr<ClientStream>> all() {
    const std::scoped_lock lock(mutex_);
    std::vector<std::shared_ptr<ClientStream>> streams;
    for (const auto& [id, stream] : streams_) streams.push_back(stream);
    return streams;
  }
  bool empty_after(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [&] { return streams_.empty(); });
  }

  const network::ClientOptions options_;
  network::ClientEvents& events_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<ConnectionId, std::shared_ptr<ClientStream>> streams_;
  std::vector<std::shared_ptr<ClientStream>> ended_;  // to be destroyed by a thread of ours
};

void ClientStream::begin(const network::ClientOptions& options) {
  channel_ = make_channel(options);
  stub_ = std::make_unique<::grpc::GenericStub>(channel_);
  add_token(context_, options);
  stub_->PrepareBidiStreamingCall(&context_, kWorkMethod, ::grpc::StubOptions(), this);
  AddHold();  // until nothing more will be written
  StartRead(&in_);
  StartCall();
}

void ClientStream::end_writes() {
  StartWritesDone();
  RemoveHold();
}

void ClientStream::OnReadInitialMetadataDone(bool ok) {
  if (ok) client_.events().connected(id_);
}

void ClientStream::OnReadDone(bool ok) {
  if (!ok) return hang_up();
  const char* problem =
      from_grpc(in_, [&](wire::Message message) { client_.events().received(id_, std::move(message)); });
  in_.Clear();
  if (*problem != '\0') client_.events().malformed(id_, problem);
  StartRead(&in_);
}

void ClientStream::OnWriteDone(bool ok) {
  const std::scoped_lock lock(mutex_);
  wrote(ok);
}

void ClientStream::OnDone(const ::grpc::Status& status) {
  client_.events().disconnected(id_, status.ok() ? "" : status.error_message());
  client_.remove(id_);
}

class TextCall final : public ::grpc::ClientBidiReactor<::grpc::ByteBuffer, ::grpc::ByteBuffer> {
 public:
  TextCall(const char* method, const network::ClientOptions& options, std::chrono::milliseconds timeout)
      : options_(options), timeout_(timeout), channel_(make_channel(options)), stub_(channel_) {
    add_token(context_, options);
    context_.set_deadline(std::chrono::system_clock::now() + timeout);
    stub_.PrepareBidiStreamingCall(&context_, method, ::grpc::StubOptions(), this);
    StartRead(&in_);
    StartWritesDone();
    StartCall();
  }
  std::string wait() {
    std::unique_lock lock(mutex_);
    done_.wait(lock, [&] { return status_.has_value(); });
    if (status_->ok()) return text_of(in_);
    if (status_->error_code() == ::grpc::StatusCode::UNAVAILABLE)
      if (const std::string why = explain(options_, timeout_); !why.empty())
        throw network::HandshakeError(fmt::format("{}: {}", options_.address, why));
    throw Error(fmt::format("{}: {}", options_.address, one_line(status_->error_message())));
  }

 private:
  void OnDone(const ::grpc::Status& status) override {
    const std::scoped_lock lock(mutex_);
    status_ = status;
    done_.notify_all();
  }
  const network::ClientOptions options_;
  const std::chrono::milliseconds timeout_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::shared_ptr<::grpc::Channel> channel_;
  ::grpc::GenericStub stub_;
  ::grpc::ClientContext context_;
  ::grpc::ByteBuffer in_;
  std::optional<::grpc::Status> status_;
};

}  // namespace

std::unique_ptr<network::Client> dial(const network::ClientOptions& options, network::ClientEvents& events) {
  return std::make_unique<GrpcClient>(options, events);
}

std::string fetch_offer(const network::ClientOptions& options, std::chrono::milliseconds timeout) {
  return TextCall(kOfferMethod, options, timeout).wait();
}

std::string fetch_status(const network::ClientOptions& options, std::chrono::milliseconds timeout) {
  return TextCall(kStatusMethod, options, timeout).wait();
}

}  // namespace tardigrad::grpc
