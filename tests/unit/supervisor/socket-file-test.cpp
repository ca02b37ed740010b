// SPDX-License-Identifier: GPL-3.0-or-later
// The socket smsd listens on: which files its making and its end remove, and which they never touch.
#include "supervisor/control/socket-file.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <stdexcept>
#include <vector>

namespace smsd::control {
namespace {

namespace fs = std::filesystem;

class ControlSocketFile : public testing::Test {
 protected:
  ControlSocketFile() : folder_(fs::temp_directory_path() / ("socket-file-" + std::to_string(getpid()))) {
    fs::create_directory(folder_);
  }
  ~ControlSocketFile() override { fs::remove_all(folder_); }
  fs::path path() const { return folder_ / "control.sock"; }
  fs::path other() const { return folder_ / "other"; }
  bool isSocket() const { return fs::is_socket(fs::symlink_status(path())); }
  static std::string contentOf(const fs::path& file) {
    std::ifstream in(file);
    return {std::istreambuf_iterator<char>(in), {}};
  }

 private:
  fs::path folder_;
};

TEST_F(ControlSocketFile, IsThereForTheGroupWhileItLivesAndGoneAfterwards) {
  {
    SocketFile socket(path());
    ASSERT_TRUE(isSocket());
    EXPECT_EQ(fs::status(path()).permissions(), fs::perms(0660));
  }
  EXPECT_FALSE(fs::exists(path()));
}

TEST_F(ControlSocketFile, TakesThePlaceOfASocketThatNobodyListensOn) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path().string().copy(address.sun_path, sizeof address.sun_path - 1);
  int left = ::socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(::bind(left, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(left);
  SocketFile socket(path());
  EXPECT_TRUE(isSocket());
}

TEST_F(ControlSocketFile, LeavesASocketWithoutWaitingIfItsOwnerAcceptsNobody) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path().string().copy(address.sun_path, sizeof address.sun_path - 1);
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  const auto newSocket = []() {
    return kj::AutoCloseFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  };
  const auto owner = newSocket();
  ASSERT_EQ(::bind(owner, name, sizeof address), 0);
  ASSERT_EQ(::listen(owner, 0), 0);
  std::vector<kj::AutoCloseFd> waiting;
  do {
    waiting.push_back(newSocket());
    ASSERT_LT(waiting.size(), 100u);
  } while (::connect(waiting.back(), name, sizeof address) == 0);
  EXPECT_THROW(SocketFile{path()}, std::runtime_error);
  EXPECT_TRUE(isSocket());
}

TEST_F(ControlSocketFile, LeavesASocketThatSomebodyListensOn) {
  SocketFile first(path());
  EXPECT_THROW(SocketFile{path()}, std::runtime_error);
  EXPECT_TRUE(isSocket());
}

TEST_F(ControlSocketFile, NeverRemovesWhatIsNoSocket) {
  std::ofstream(path()) << "a queue";
  EXPECT_THROW(SocketFile{path()}, std::runtime_error);
  EXPECT_EQ(contentOf(path()), "a queue");
  fs::rename(path(), other());
  fs::create_symlink(other(), path());
  EXPECT_THROW(SocketFile{path()}, std::runtime_error);
  EXPECT_TRUE(fs::is_symlink(path()));
  EXPECT_EQ(contentOf(other()), "a queue");
  fs::remove(path());
  ASSERT_EQ(mkfifo(path().c_str(), 0600), 0);
  EXPECT_THROW(SocketFile{path()}, std::runtime_error);
  EXPECT_TRUE(fs::is_fifo(path()));
}

TEST_F(ControlSocketFile, RemovesAtItsEndOnlyTheFileItMade) {
  auto socket = std::make_unique<SocketFile>(path());
  fs::remove(path());
  std::ofstream(path()) << "somebody's";
  socket = nullptr;
  EXPECT_EQ(contentOf(path()), "somebody's");
  fs::remove(path());

  auto first = std::make_unique<SocketFile>(path());
  fs::rename(path(), other());
  SocketFile second(path());
  first = nullptr;
  EXPECT_TRUE(isSocket());
}

}  // namespace
}  // namespace smsd::control
