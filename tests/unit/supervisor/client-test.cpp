// SPDX-License-Identifier: GPL-3.0-or-later
// Connecting to the daemon: when smsctl may conclude that no daemon runs, and when it may not.
#include "supervisor/control/client.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <kj/io.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <vector>

namespace smsd::control {
namespace {

namespace fs = std::filesystem;

class ControlClient : public testing::Test {
 protected:
  ControlClient() { fs::create_directory(folder); }
  ~ControlClient() noexcept override { fs::remove_all(folder); }

  static kj::AutoCloseFd newSocket(int type) {
    return kj::AutoCloseFd(socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  }
  static sockaddr_un addressOf(const fs::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path.c_str());
    return address;
  }
  static kj::AutoCloseFd boundTo(const fs::path& path, int type) {
    auto fd = newSocket(type);
    const auto address = addressOf(path);
    EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return fd;
  }
  /// Why there is no connection; empty: there is one.
  std::string whyNot(const fs::path& path) {
    try {
      Client client(path, 50 * kj::MILLISECONDS);
      return "";
    } catch (const Unreachable& e) {
      what = e.what();
      return e.why() == Unreachable::Why::notRunning ? "not running"
             : e.why() == Unreachable::Why::denied   ? "denied"
                                                     : "in doubt";
    }
  }

  fs::path folder = fs::path(testing::TempDir()) / ("smsd-client-" + std::to_string(getpid()));
  std::string what;
};

TEST_F(ControlClient, ConcludesThatNoDaemonRunsOnlyWhereThereIsNoSocketOrNobodyListens) {
  EXPECT_EQ(whyNot(folder / "none.sock"), "not running");
  EXPECT_EQ(whyNot(folder / "none" / "none.sock"), "not running");
  boundTo(folder / "left.sock", SOCK_STREAM);
  EXPECT_EQ(whyNot(folder / "left.sock"), "not running");
  EXPECT_NE(what.find("systemctl start smsd"), std::string::npos) << what;
}

TEST_F(ControlClient, LeavesItInDoubtAfterEveryOtherErrorAndNamesTheNextStep) {
  const auto other = boundTo(folder / "datagram.sock", SOCK_DGRAM);
  fs::create_symlink("loop", folder / "loop");
  std::ofstream(folder / "file") << "no folder";
  for (const fs::path& path : {folder / "datagram.sock", folder / "loop", folder / "file" / "control.sock",
                               folder / std::string(200, 'x')}) {
    EXPECT_EQ(whyNot(path), "in doubt") << path;
    EXPECT_NE(what.find(path.string()), std::string::npos) << what;
    EXPECT_NE(what.find("control.socket"), std::string::npos) << what;
    EXPECT_EQ(what.find("not running"), std::string::npos) << what;
  }
}

TEST_F(ControlClient, WaitsForADaemonThatAcceptsNobodyAndLeavesItInDoubt) {
  const auto path = folder / "full.sock";
  const auto listener = boundTo(path, SOCK_STREAM);
  ASSERT_EQ(listen(listener, 0), 0);
  const auto address = addressOf(path);
  std::vector<kj::AutoCloseFd> connected;
  do {
    connected.push_back(newSocket(SOCK_STREAM));
    ASSERT_LT(connected.size(), 100u);
  } while (connect(connected.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  ASSERT_EQ(errno, EAGAIN);
  EXPECT_EQ(whyNot(path), "in doubt");
  EXPECT_NE(what.find("systemctl status smsd"), std::string::npos) << what;
  EXPECT_EQ(what.find("not running"), std::string::npos) << what;
}

}  // namespace
}  // namespace smsd::control
