// SPDX-License-Identifier: GPL-3.0-or-later
// bench-gateway: an HTTP gateway with a latency that writes down when each request arrived (CLOCK_REALTIME,
// microseconds, one a line). Prints its port. For latencies, not for rates: nginx is faster.
#include <fmt/format.h>
#include <kj/async-io.h>
#include <kj/compat/http.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstdio>

namespace {

class Gateway final : public kj::HttpService {
 public:
  Gateway(kj::Timer& timer, kj::HttpHeaderTable& table, kj::Duration delay, std::FILE* record)
      : timer_(timer), table_(table), delay_(delay), record_(record) {}

  kj::Promise<void> request(kj::HttpMethod, kj::StringPtr url, const kj::HttpHeaders&, kj::AsyncInputStream&,
                            Response& response) override {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (record_ != nullptr) {
      fmt::print(record_, "{}\t{}\n", std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000, url.cStr());
      std::fflush(record_);
    }
    if (delay_ == 0 * kj::SECONDS) return answer(response);
    return timer_.afterDelay(delay_).then([this, &response]() { return answer(response); });
  }

 private:
  kj::Promise<void> answer(Response& response) {
    static constexpr char body[] = "OK\n";
    auto out = response.send(200, "OK", kj::HttpHeaders(table_), sizeof body - 1);
    auto written = out->write(body, sizeof body - 1);
    return written.attach(kj::mv(out));
  }

  kj::Timer& timer_;
  kj::HttpHeaderTable& table_;
  kj::Duration delay_;
  std::FILE* record_;
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("An HTTP gateway with a latency.", "bench-gateway");
  unsigned delay = 0;
  std::string record;
  app.add_option("--delay", delay, "milliseconds until it answers")->capture_default_str();
  app.add_option("--record", record, "file for the moment and the URL of each request");
  CLI11_PARSE(app, argc, argv);
  auto io = kj::setupAsyncIo();
  auto table = kj::HttpHeaderTable::Builder().build();
  std::FILE* file = record.empty() ? nullptr : std::fopen(record.c_str(), "a");
  auto& timer = io.provider->getTimer();
  Gateway gateway(timer, *table, static_cast<std::uint64_t>(delay) * kj::MILLISECONDS, file);
  kj::HttpServer server(timer, *table, gateway);
  auto listener = io.provider->getNetwork().parseAddress("127.0.0.1", 0).wait(io.waitScope)->listen();
  std::printf("%u\n", listener->getPort());
  std::fflush(stdout);
  server.listenHttp(*listener).wait(io.waitScope);
  return 0;
}
