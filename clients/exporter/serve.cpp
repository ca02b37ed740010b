// SPDX-License-Identifier: GPL-3.0-or-later
#include "clients/exporter/serve.h"

#include <fmt/format.h>
#include <kj/async-unix.h>
#include <signal.h>
#include <sysexits.h>

#include <chrono>
#include <ctime>
#include <string>
#include <system_error>

#include "clients/exporter/availability.h"
#include "clients/exporter/families.h"
#include "clients/exporter/host-names.h"
#include "clients/exporter/http-service.h"
#include "clients/exporter/page.h"
#include "clients/exporter/shared-answer.h"
#include "clients/exporter/smsd-link.h"
#include "clients/program/program.h"
#include "common/fault.h"
#include "common/files/replace-file.h"
#include "common/io/output.h"
#include "common/journal/journal.h"
#include "common/systemd/service.h"

namespace smsd::exporter {
namespace {

std::string bodyOf(MetricsAnswer& reply) {
  KJ_IF_MAYBE (response, reply.response) return textOf(response->getMetrics());
  return textOf(nullptr);
}

void writeAvailability(const std::string& why) {
  if (why.empty())
    journal::Entry(journal::Level::notice, "smsd answers again").write();
  else
    journal::Entry(journal::Level::warning, fmt::format("smsd does not answer: {}", why)).write();
}

std::tm localTime() {
  const std::time_t now = std::time(nullptr);
  std::tm time{};
  localtime_r(&now, &time);
  return time;
}

HttpAnswer frontPage(StatusAnswer& reply, std::chrono::seconds awayFor) {
  const std::string type = "text/html; charset=utf-8";
  KJ_IF_MAYBE (response, reply.response)
    return {200, type, pageOf(response->getStatus(), localTime()), contentSecurityPolicy};
  return {503, type, pageOf(NoAnswer{reply.why, awayFor}, localTime()), contentSecurityPolicy};
}

}  // namespace

int serve(const Options& options) {
  signal(SIGPIPE, SIG_IGN);
  const int socket = program::takeListener("smsd-exporter", ", or --textfile FILE");
  systemd::openNotifySocket();
  auto hosts = namesOfThisHost();
  hosts.insert(hosts.end(), options.hosts.begin(), options.hosts.end());
  tzset();  // the lock hides the files of the time zones
  sandbox::Policy policy;
  policy.unixSockets = sandbox::UnixSockets::connect;
  program::lockIn(policy, options.unlocked ? program::ClientLock::wanted : program::ClientLock::required);
  kj::UnixEventPort::captureSignal(SIGTERM);
  kj::UnixEventPort::captureSignal(SIGINT);
  auto io = kj::setupAsyncIo();
  auto& timer = io.provider->getTimer();
  SmsdLink smsd(io, options.socket);
  Availability availability;
  systemd::Service service(
      timer, []() { return true; },
      [&availability]() {
        return availability.why().empty() ? std::string("serves") : "serves, but " + availability.why();
      });
  const auto saw = [&](const std::string& why) {
    if (const auto written = availability.saw(why, timer.now())) writeAvailability(*written);
    service.changed();
  };
  SharedAnswer metrics(timer, [&]() {
    return smsd.metrics().then([&](MetricsAnswer reply) {
      saw(reply.why);
      return HttpAnswer{200, textType, bodyOf(reply)};
    });
  });
  SharedAnswer front(timer, [&]() {
    return smsd.status().then([&](StatusAnswer reply) {
      saw(reply.why);
      return frontPage(reply, availability.awayFor(timer.now()));
    });
  });
  PageSources pages;
  pages.emplace("/metrics", [&]() { return metrics.get(); });
  pages.emplace("/", [&]() { return front.get(); });
  PageServer server(timer, std::move(pages), std::move(hosts));
  auto receiver = io.lowLevelProvider->wrapListenSocketFd(
      socket, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP | kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC);
  service.ready();
  auto told = io.unixEventPort.onSignal(SIGTERM).exclusiveJoin(io.unixEventPort.onSignal(SIGINT));
  return server.serve(*receiver)
      .then([]() { return int(EX_UNAVAILABLE); },
            [](kj::Exception&& fault) {
              journal::Entry(journal::Level::error, "the socket for requests failed: " + faultOf(fault))
                  .write();
              return int(EX_UNAVAILABLE);
            })
      .exclusiveJoin(told.then([](siginfo_t) { return int(EX_OK); }))
      .wait(io.waitScope);
}

int writeTextFile(const Options& options) {
  std::string text, why;
  {
    auto io = kj::setupAsyncIo();
    SmsdLink smsd(io, options.socket);
    MetricsAnswer reply = smsd.metrics().wait(io.waitScope);
    text = bodyOf(reply);
    why = reply.why;
  }
  try {
    files::replaceFile(*options.textfile, text, 0644);  // the collector is another user
  } catch (const std::system_error& e) {
    throw program::CannotRun(EX_CANTCREAT, e.what());
  }
  if (!why.empty()) io::complainAs("smsd-exporter", why + "; the file has smsd_up 0 alone");
  return EX_OK;
}

}  // namespace smsd::exporter
