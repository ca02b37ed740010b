// SPDX-License-Identifier: GPL-3.0-or-later
// What is to be had at control.sock and at status.sock: a whole interface at one, the state and the metrics
// at the other.
#include <capnp/dynamic.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <filesystem>
#include <optional>

#include "supervisor/control/control-server.h"
#include "supervisor/queue/clock-watch.h"
#include "tests/road/memory-queue.h"

namespace smsd::control {
namespace {

namespace fs = std::filesystem;
using proto::Control;

class Doors : public testing::Test {
 protected:
  Doors() {
    char pattern[] = "/tmp/smsd-doors-XXXXXX";
    folder_ = mkdtemp(pattern);
    road_.dispatchers().use({});
    pauses_.emplace(folder_ / "paused");
    server_ = kj::heap<ControlServer>(
        io_, ControlServer::Sockets{folder_ / "control.sock", folder_ / "status.sock"},
        Subject{road_, queue_, nullptr, *pauses_, log_, "memory", [this]() { ++stops_; },
                []() -> kj::Promise<Subject::Reloaded> { return Subject::Reloaded{}; }, mail_, canaries_,
                heartbeats_});
  }
  ~Doors() noexcept override {
    channels_.clear();
    server_ = nullptr;
    fs::remove_all(folder_);
  }

  Control::Client at(const char* name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, (folder_ / name).c_str());
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << name;
    channels_.push_back(rpc::Channel::connect(io_.lowLevelProvider->wrapSocketFd(
        fd, kj::LowLevelAsyncIoProvider::TAKE_OWNERSHIP | kj::LowLevelAsyncIoProvider::ALREADY_CLOEXEC)));
    return channels_.back()->peer().castAs<Control>();
  }

  /// Calls a method without arguments. None: it has answered.
  std::optional<kj::Exception::Type> failureOf(Control::Client door, capnp::InterfaceSchema::Method method) {
    capnp::DynamicCapability::Client any(kj::mv(door));
    KJ_IF_MAYBE (failure,
                 kj::runCatchingExceptions([&]() { any.newRequest(method).send().wait(io_.waitScope); }))
      return failure->getType();
    return std::nullopt;
  }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  fs::path folder_;
  config::Config config_;
  events::EventLog log_{config::RecipientInLog::masked};
  queue::Memory memory_;
  queue::QueueThread queue_{[this]() { return queue::openMemory(memory_); }, []() {}};
  queue::BootClock boot_;
  admin_mail::MailDesk mail_{io_, log_, "host", "doors", "/nowhere"};
  road::Road road_{queue_, io_.provider->getTimer(), boot_, config_, "doors", log_};
  watchkeeping::CanaryWatch canaries_{io_.provider->getTimer(), road_, log_, "/nowhere/canaries",
                                      []() { return watchkeeping::WallTime(); }};
  watchkeeping::Heartbeats heartbeats_{queue_, io_.provider->getTimer(), road_, log_};
  std::optional<Pauses> pauses_;
  int stops_ = 0;
  kj::Own<ControlServer> server_;
  std::vector<kj::Own<rpc::Channel>> channels_;
};

TEST_F(Doors, NothingButTheStateIsToBeHadAtStatusSock) {
  for (auto method : capnp::Schema::from<Control>().getMethods()) {
    const std::string name = method.getProto().getName().cStr();
    const auto failure = failureOf(at("status.sock"), method);
    if (name == "status")
      EXPECT_FALSE(failure) << name;
    else
      EXPECT_EQ(failure, kj::Exception::Type::UNIMPLEMENTED) << name;
  }
  EXPECT_EQ(stops_, 0);
}

TEST_F(Doors, TheMetricsAreToBeHadAtBoth) {
  for (const char* name : {"status.sock", "control.sock"}) {
    auto answer = at(name).castAs<proto::MetricsSource>().metricsRequest().send().wait(io_.waitScope);
    const auto metrics = answer.getMetrics();
    EXPECT_TRUE(metrics.getQueue().getDepthKnown());
    EXPECT_EQ(metrics.getQueue().getCalls().size(), road::callNames.size());
    EXPECT_EQ(metrics.getLatency().getCounts().size(), metrics.getLatency().getBounds().size() + 1);
  }
}

TEST_F(Doors, EveryMethodIsToBeHadAtControlSock) {
  for (auto method : capnp::Schema::from<Control>().getMethods())
    EXPECT_NE(failureOf(at("control.sock"), method), kj::Exception::Type::UNIMPLEMENTED)
        << method.getProto().getName().cStr();
  EXPECT_EQ(stops_, 1);
}

TEST_F(Doors, ARequestThatCannotBeUsedIsAProblemInWords) {
  auto door = at("control.sock");
  const auto send = [&](const char* recipient, const char* text) {
    auto request = door.sendRequest();
    request.setRecipient(recipient);
    request.setText(text);
    return request.send().wait(io_.waitScope);
  };
  for (const auto& [recipient, text] :
       {std::pair("", "text"), std::pair("1\x1b[2J", "text"), std::pair("1", "")}) {
    const auto answer = send(recipient, text);
    EXPECT_NE(answer.getProblem(), "") << recipient << text;
    EXPECT_EQ(answer.getFault(), proto::QueueFault::INVALID);
  }
  auto list = door.listRequest();
  list.setStatus("X");
  EXPECT_NE(list.send().wait(io_.waitScope).getProblem(), "");
  auto retry = door.retryRequest();
  retry.setMessage(-1);
  EXPECT_NE(retry.send().wait(io_.waitScope).getProblem(), "");
}

}  // namespace
}  // namespace smsd::control
