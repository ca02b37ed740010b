// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes of a client at control.sock (libFuzzer): what raw-peer.h makes of the input, against the real
// server over a queue in memory.
//
// Whatever comes, smsd neither crashes nor takes more than 16 MiB for one client, nor over all of them.
#include <sys/un.h>

#include <cstring>
#include <filesystem>

#include "common/journal/journal.h"
#include "supervisor/control/control-server.h"
#include "supervisor/queue/clock-watch.h"
#include "tests/fuzz/raw-peer.h"
#include "tests/road/memory-queue.h"

namespace {

using namespace smsd;

/// A supervisor without dispatchers. It lives as long as the process.
class Daemon {
 public:
  Daemon() {
    char pattern[] = "/tmp/smsd-control-fuzz-XXXXXX";
    folder_ = mkdtemp(pattern);
    config_.queue.pollInterval = std::chrono::hours(24);
    queue_ = kj::heap<queue::QueueThread>([this]() { return queue::openMemory(memory_); }, []() {});
    road_ = kj::heap<road::Road>(*queue_, io_.provider->getTimer(), boot_, config_, "fuzz", log_);
    road_->dispatchers().use({});
    heartbeats_.emplace(*queue_, io_.provider->getTimer(), *road_, log_);
    pauses_.emplace(folder_ / "paused");
    canaries_ =
        kj::heap<watchkeeping::CanaryWatch>(io_.provider->getTimer(), *road_, log_, folder_ / "canaries",
                                            []() { return watchkeeping::WallTime(); });
    server_ = kj::heap<control::ControlServer>(
        io_, control::ControlServer::Sockets{socket(), folder_ / "status.sock"},
        control::Subject{
            *road_, *queue_, nullptr, *pauses_, log_, "memory", []() {},
            []() -> kj::Promise<control::Subject::Reloaded> { return control::Subject::Reloaded{}; }, mail_,
            *canaries_, *heartbeats_});
  }
  ~Daemon() {
    server_ = nullptr;
    canaries_ = nullptr;
    heartbeats_.reset();
    road_ = nullptr;
    queue_ = nullptr;
    std::filesystem::remove_all(folder_);
  }

  int connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, socket().c_str());
    const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fuzz::demand("the door is open",
                 ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    return fd;
  }
  void turn() {
    for (int i = 0; i < 3; ++i) {
      queue_->run([](queue::Queue&) {}).wait(io_.waitScope);
      io_.provider->getTimer().afterDelay(0 * kj::SECONDS).wait(io_.waitScope);
      io_.waitScope.poll();
    }
  }

 private:
  std::filesystem::path socket() const { return folder_ / "control.sock"; }

  kj::AsyncIoContext io_ = kj::setupAsyncIo();
  std::filesystem::path folder_;
  config::Config config_;
  queue::BootClock boot_;
  events::EventLog log_{config::RecipientInLog::masked};
  admin_mail::MailDesk mail_{io_, log_, "host", "fuzz", "/nowhere"};
  queue::Memory memory_;
  kj::Own<queue::QueueThread> queue_;
  kj::Own<road::Road> road_;
  kj::Own<watchkeeping::CanaryWatch> canaries_;
  std::optional<watchkeeping::Heartbeats> heartbeats_;
  std::optional<control::Pauses> pauses_;
  kj::Own<control::ControlServer> server_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Daemon daemon;
  static const std::size_t first = fuzz::onTheHeap();
  const int client = daemon.connect();
  auto turn = []() { daemon.turn(); };
  turn();
  fuzz::act(client, {reinterpret_cast<const char*>(data), size}, turn, [](unsigned) {});
  close(client);
  turn();
  fuzz::demand("clients leave nothing behind", fuzz::onTheHeap() <= first + (16 << 20));
  return 0;
}
