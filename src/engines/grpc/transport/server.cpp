// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "engines/grpc/transport/bytes.hpp"
#include "engines/grpc/transport/credentials.hpp"
#include "engines/grpc/transport/stream.hpp"
#include "tardigrad/error.hpp"

namespace tardigrad::grpc {
namespace {

using network::ConnectionId;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kMostWaiting = 64;  // batches for a peer that does not read: then it is not read from

class StreamOwner;

// One stream of a worker. All that gRPC calls is called by its threads.
class ServerStream final : public Stream<::grpc::ServerGenericBidiReactor> {
 public:
  ServerStream(ConnectionId id, StreamOwner& owner, ::grpc::GenericCallbackServerContext& context)
      : id_(id), owner_(owner), context_(context) {}

  void begin(network::ServerEvents& events, const network::Peer& peer);
  void cancel() { context_.TryCancel(); }
  /// Asked to close before `time`, and still there?
  bool is_late(SteadyTime time) {
    const std::scoped_lock lock(mutex_);
    return closing_ && closed_at_ + kTimeToFlush <= time;
  }

 private:
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnDone() override;
  void end_writes() override { Finish(::grpc::Status::OK); }

  const ConnectionId id_;
  StreamOwner& owner_;
  ::grpc::GenericCallbackServerContext& context_;
  network::ServerEvents* events_ = nullptr;
  ::grpc::ByteBuffer in_;
  bool read_waits_ = false;  // under the mutex
};

// Says one thing, and ends.
class TextStream final : public ::grpc::ServerGenericBidiReactor {
 public:
  explicit TextStream(const std::string& text) : out_(to_grpc(text)) {
    StartWriteAndFinish(&out_, ::grpc::WriteOptions(), ::grpc::Status::OK);
  }
  explicit TextStream(const ::grpc::Status& refusal) { Finish(refusal); }

 private:
  void OnDone() override { delete this; }
  ::grpc::ByteBuffer out_;
};

// The streams that there are.
class StreamOwner {
 public:
  std::shared_ptr<ServerStream> find(ConnectionId id) {
    const std::scoped_lock lock(mutex_);
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second;
  }
  std::shared_ptr<ServerStream> add(::grpc::GenericCallbackServerContext& context) {
    const std::scoped_lock lock(mutex_);
    const ConnectionId id = ++last_;
    return streams_[id] = std::make_shared<ServerStream>(id, *this, context);
  }
  void remove(ConnectionId id) {
    const std::scoped_lock lock(mutex_);
    streams_.erase(id);
    if (streams_.empty()) empty_.notify_all();
  }
  void wait_until_empty() {
    std::unique_lock lock(mutex_);
    empty_.wait(lock, [&] { return streams_.empty(); });
  }
  /// Returns  was it told to stop?
  bool wait_for(std::chrono::milliseconds time, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    empty_.wait_for(lock, stop, time, [] { return false; });
    return stop.stop_requested();
  }
  void cancel_late_ones(SteadyTime time) {
    std::vector<std::shared_ptr<ServerStream>> late;
    {
      const std::scoped_lock lock(mutex_);
      for (const auto& [id, stream] : streams_)
        if (stream->is_late(time)) late.push_back(stream);
    }
    for (const auto& stream : late) stream->cancel();
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any empty_;
  std::map<ConnectionId, std::shared_ptr<ServerStream>> streams_;
  ConnectionId last_ = 0;
};

void ServerStream::begin(network::ServerEvents& events, const network::Peer& peer) {
  events_ = &events;
  StartSendInitialMetadata();
  events.connected(id_, peer);
  StartRead(&in_);
}

void ServerStream::OnReadDone(bool ok) {
  if (!ok) return hang_up();
  const char* problem = from_grpc(in_, [&](wire::Message message) { events_->received(id_, std::move(message)); });
  in_.Clear();
  if (*problem != '\0') events_->malformed(id_, problem);
  {
    const std::scoped_lock lock(mutex_);
    if (outbox_.size() >= kMostWaiting) {
      read_waits_ = true;
      return;
    }
  }
  StartRead(&in_);
}

void ServerStream::OnWriteDone(bool ok) {
  bool read = false;
  {
    const std::scoped_lock lock(mutex_);
    wrote(ok);
    read = outbox_.size() < kMostWaiting && std::exchange(read_waits_, false);
  }
  if (read) StartRead(&in_);
}

void ServerStream::OnDone() {
  if (events_) events_->disconnected(id_);
  owner_.remove(id_);
}

class GrpcServer final : public network::Server {
 public:
  GrpcServer(const network::ServerOptions& options, network::ServerEvents& events)
      : offer_(options.offer), events_(events), service_(*this) {
    ::grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort(options.address, server_credentials(options.credentials), &port);
    builder.RegisterCallbackGenericService(&service_);
    builder.SetMaxReceiveMessageSize(static_cast<int>(network::Batch::kMost));
    const auto set = [&](const char* name, int value) { builder.AddChannelArgument(name, value); };
    for_long_messages(set);
    set("grpc.so_reuseport", 0);  // two servers at one address are a mistake
    set("grpc.server_handshake_timeout_ms", 10000);
    set("grpc.max_concurrent_streams", 4);
    set("grpc.max_connection_idle_ms", 30000);  // without a stream
    server_ = builder.BuildAndStart();
    if (!server_) throw Error(fmt::format("{}: cannot listen there", options.address));
    const bool is_path = options.address.starts_with("unix:");
    address_ =
        is_path ? options.address : fmt::format("{}:{}", options.address.substr(0, options.address.rfind(':')), port);
    watch_ = std::jthread([this](const std::stop_token& stop) {
      while (!streams_.wait_for(std::chrono::milliseconds(100), stop))
        streams_.cancel_late_ones(std::chrono::steady_clock::now());
    });
  }
  ~GrpcServer() override {
    server_->Shutdown(std::chrono::system_clock::now() + kTimeToFlush);
    server_->Wait();
    streams_.wait_until_empty();
  }
  GrpcServer(const GrpcServer&) = delete;
  GrpcServer& operator=(const GrpcServer&) = delete;

  void send(ConnectionId connection, std::span<const wire::Message> messages) override {
    if (const auto stream = streams_.find(connection)) stream->send(messages);
  }
  void close(ConnectionId connection) override {
    if (const auto stream = streams_.find(connection)) stream->close();
  }
  const std::string& address() const override { return address_; }

 private:
  class Service final : public ::grpc::CallbackGenericService {
   public:
    explicit Service(GrpcServer& server) : server_(server) {}
    ::grpc::ServerGenericBidiReactor* CreateReactor(::grpc::GenericCallbackServerContext* context) override {
      return server_.open(*context);
    }

   private:
    GrpcServer& server_;
  };

  ::grpc::ServerGenericBidiReactor* open(::grpc::GenericCallbackServerContext& context) {
    const network::Peer peer{.token = token_of(context)};
    if (context.method() == kOfferMethod || context.method() == kStatusMethod) {
      if (events_.may_see_offer(peer))
        return new TextStream(context.method() == kOfferMethod ? offer_ : events_.status());
      return new TextStream(::grpc::Status(::grpc::StatusCode::UNAUTHENTICATED, "no token that is known here"));
    }
    if (context.method() != kWorkMethod)
      return new TextStream(::grpc::Status(::grpc::StatusCode::UNIMPLEMENTED, "there is no such method"));
    const std::shared_ptr<ServerStream> stream = streams_.add(context);
    stream->begin(events_, peer);
    return stream.get();
  }

  static std::string token_of(const ::grpc::GenericCallbackServerContext& context) {
    constexpr std::string_view kBearer = "Bearer ";
    const auto found = context.client_metadata().find("authorization");
    if (found == context.client_metadata().end()) return "";
    const std::string_view value(found->second.data(), found->second.size());
    return value.starts_with(kBearer) ? std::string(value.substr(kBearer.size())) : "";
  }

  const std::string offer_;
  network::ServerEvents& events_;
  StreamOwner streams_;
  Service service_;
  std::unique_ptr<::grpc::Server> server_;
  std::string address_;
  std::jthread watch_;
};

}  // namespace

std::unique_ptr<network::Server> serve(const network::ServerOptions& options, network::ServerEvents& events) {
  return std::make_unique<GrpcServer>(options, events);
}

}  // namespace tardigrad::grpc
