// SPDX-License-Identifier: GPL-3.0-or-later
// A kind of dispatcher that smsd does not have, as an administrator would write it: appends each SMS to a
// file. For tests/scenario/own_kinds.py.
#include <fcntl.h>
#include <unistd.h>

#include <stdexcept>

#include "workers/kit/dispatcher.h"

namespace {

using namespace smsd;

class Pager final : public kit::Dispatcher {
  void declare(config::Keys& keys) override {
    keys.path("file", file_, "the file to which each SMS is appended", config::Presence::required);
    keys.integer("window", window_, {1, 2000}, "SMS sent at once");
  }
  sandbox::Policy policy() override {
    fd_ = ::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd_ < 0) throw std::runtime_error("cannot open `file`");
    return {};
  }
  kj::Promise<void> start(kj::AsyncIoContext&) override { return kj::READY_NOW; }
  kit::Traits traits() const override { return {.kind = "pager", .window = static_cast<unsigned>(window_)}; }
  kj::Promise<kit::Outcome> send(kit::Job job) override {
    const std::string line = job.recipient + " " + job.text + "\n";
    if (::write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
      return kit::Outcome(kit::Unknown{"the file is full"});
    return kit::Outcome(kit::Accepted{"page " + job.key});
  }

  std::filesystem::path file_;
  int window_ = 4, fd_ = -1;
};

}  // namespace

int main(int argc, char** argv) {
  Pager pager;
  return kit::workerMain(argc, argv, pager);
}
