// SPDX-License-Identifier: GPL-3.0-or-later
// An HTTP server whose clients are not trusted: connections are bounded in number and in the time that each
// part of a request takes.
//
// Owns the connections. If there are as many as allowed, a new one takes the place of the one whose request
// has been awaited for the longest time, so that silent and slow clients never keep out another; only a
// connection whose request is complete keeps its place (Visit::hasAsked) until its answer is there to be
// read, and if all are such, new ones wait in the socket's backlog. KJ's own bound of a header is 64 KiB.
// Errors that it sends to a client are in its own words. Never ends because of a client.
#pragma once

#include <kj/async-io.h>
#include <kj/compat/http.h>

#include <list>
#include <string>
#include <utility>
#include <vector>

namespace smsd::http {

struct HttpReply {
  unsigned status = 200;
  std::string type = "text/plain; charset=utf-8";
  std::string body = {};
  std::vector<std::pair<std::string, std::string>> headers = {};
};

/// The words of a status, such as "Not Found".
kj::StringPtr reasonOf(unsigned status);

/// Whether the connection can be used for another request.
enum class After { stays, closes };

/// The connection of one request, for its handler.
class Visit {
 public:
  /// Call when the request has been read as a whole: it now keeps its connection until send().
  virtual void hasAsked() = 0;
  /// Sends the reply.
  virtual kj::Promise<void> send(kj::HttpService::Response& response, HttpReply reply,
                                 After after = After::stays) = 0;

 protected:
  ~Visit() = default;
};

class RequestHandler {
 public:
  /// Answers one request through visit.send(). `url` and `headers` are valid until the first read of `body`.
  virtual kj::Promise<void> handle(kj::HttpMethod method, kj::StringPtr url, const kj::HttpHeaders& headers,
                                   kj::AsyncInputStream& body, Visit& visit,
                                   kj::HttpService::Response& response) = 0;

 protected:
  ~RequestHandler() = default;
};

struct ServerBounds {
  unsigned connections = 16;
  kj::Duration header = 5 * kj::SECONDS;   // for a whole header, and between two requests
  kj::Duration answer = 10 * kj::SECONDS;  // in which a client has to read an answer, also one to an error
  std::size_t leftBody = 4096;             // bytes of a body that its handler did not read
};

/// How many connections there are, and were.
struct ServerCounts {
  std::uint64_t accepted = 0, displaced = 0, malformed = 0;
  unsigned open = 0;
};

class BoundedServer final : private kj::HttpServerErrorHandler,
                            private kj::HttpServerCallbacks,
                            private kj::TaskSet::ErrorHandler {
 public:
  BoundedServer(kj::Timer& timer, const kj::HttpHeaderTable& table, RequestHandler& handler,
                ServerBounds bounds);
  ~BoundedServer();
  /// Serves until the socket fails.
  kj::Promise<void> serve(kj::ConnectionReceiver& socket);
  /// Accepts no further connection, and resolves when each request that was read as a whole has its answer.
  kj::Promise<void> drain();
  const ServerCounts& counts() const { return counts_; }

 private:
  class Connection;
  using Connections = std::list<kj::Own<Connection>>;

  kj::HttpServerSettings settings();
  kj::Promise<void> room();
  bool displace();
  bool isAnswering() const;
  void open(kj::Own<kj::AsyncIoStream> stream);
  void ended(Connections::iterator place);
  void madeRoom();
  void answered();
  kj::Promise<void> send(kj::HttpService::Response& response, HttpReply reply, After after);

  kj::Promise<void> handleClientProtocolError(kj::HttpHeaders::ProtocolError,
                                              kj::HttpService::Response& response) override;
  kj::Promise<void> handleApplicationError(kj::Exception,
                                           kj::Maybe<kj::HttpService::Response&> response) override;
  kj::Promise<void> handleNoResponse(kj::HttpService::Response& response) override;
  bool shouldClose() override { return closes_; }
  void taskFailed(kj::Exception&&) override {}  // the end of one connection

  kj::Timer& timer_;
  const kj::HttpHeaderTable& table_;
  RequestHandler& handler_;
  const ServerBounds bounds_;
  ServerCounts counts_;
  bool closes_ = false;         // of the reply that is being sent
  Connection* next_ = nullptr;  // whose service is being made
  Connections connections_;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> waiting_;  // for a connection to end
  bool draining_ = false;
  kj::Maybe<kj::Own<kj::PromiseFulfiller<void>>> drained_;
  kj::HttpServer server_;
  kj::TaskSet ends_;
};

}  // namespace smsd::http
