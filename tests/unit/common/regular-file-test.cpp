// SPDX-License-Identifier: GPL-3.0-or-later
// Files of others' making, and faults that nobody expected.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <kj/debug.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/fault.h"
#include "common/files/regular-file.h"

namespace smsd {
namespace {

namespace fs = std::filesystem;

class RegularFile : public testing::Test {
 protected:
  RegularFile() {
    std::string name = fs::temp_directory_path() / "smsd-files-XXXXXX";
    folder = mkdtemp(name.data());
  }
  ~RegularFile() noexcept override { fs::remove_all(folder); }

  fs::path folder;
};

// Without a reader or a writer a FIFO holds up whoever opens it.
TEST_F(RegularFile, IsTheOnlyKindThatIsOpened) {
  ASSERT_EQ(mkfifo((folder / "fifo").c_str(), 0600), 0);
  fs::create_directory(folder / "folder");
  int socket = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  (folder / "socket").string().copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(bind(socket, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  for (fs::path path : {folder / "fifo", folder / "folder", folder / "socket", fs::path("/dev/zero")})
    for (int flags : {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_CREAT, O_WRONLY | O_APPEND}) {
      std::error_code why;
      EXPECT_EQ(files::openRegular(path, flags, why), -1) << path;
      EXPECT_EQ(why.message(), "it is not a regular file") << path << " " << flags;
    }
  close(socket);
}

TEST_F(RegularFile, IsReadUpToABoundAndMadeWhereThatIsWanted) {
  std::error_code why;
  EXPECT_EQ(files::readRegular(folder / "none", 10, why), std::nullopt);
  EXPECT_EQ(why, std::errc::no_such_file_or_directory);
  int fd = files::openRegular(folder / "made", O_WRONLY | O_CREAT, why = {}, 0600);
  ASSERT_GE(fd, 0) << why.message();
  EXPECT_EQ(write(fd, "0123456789", 10), 10);
  close(fd);
  why = std::make_error_code(std::errc::io_error);  // of an earlier call
  EXPECT_EQ(files::readRegular(folder / "made", 4, why), "0123");
  EXPECT_FALSE(why) << why.message();
  EXPECT_EQ(files::readRegular(folder / "made", 100, why), "0123456789");
  fs::create_symlink(folder / "made", folder / "link");
  EXPECT_EQ(files::readRegular(folder / "link", 100, why), "0123456789");
  EXPECT_EQ(files::readRegular(folder / "link", 100, why, O_NOFOLLOW), std::nullopt);
  // A regular file whose first page cannot be read.
  EXPECT_EQ(files::readRegular("/proc/self/mem", 100, why), std::nullopt);
  EXPECT_EQ(why, std::errc::io_error);
}

std::string faultIn(const std::function<void()>& call) {
  try {
    call();
  } catch (const kj::Exception& e) {
    return faultOf(e);
  } catch (const std::exception& e) {
    return faultOf(e);
  }
  return "none";
}

TEST(Fault, IsCalledByItsKindAndNeverByALibrarysWords) {
  auto words = faultIn([] { [[maybe_unused]] auto json = nlohmann::json::parse("hunter2"); });
  EXPECT_TRUE(words.starts_with("an internal error (nlohmann::")) << words;
  EXPECT_EQ(words.find("hunter2"), std::string::npos) << words;
  EXPECT_EQ(faultIn([] { throw Explained("/x: not ours, expected ours"); }), "/x: not ours, expected ours");
  EXPECT_EQ(faultIn([] { throw std::bad_alloc(); }), "there is no memory left");
  EXPECT_EQ(faultIn([] { (void)std::string().at(1); }), "an internal error (std::out_of_range)");
  EXPECT_EQ(faultIn([] { throw std::system_error(ENOSPC, std::generic_category(), "/x"); }),
            "/x: No space left on device");
  EXPECT_EQ(faultIn([] { fs::create_directory("/proc/none/x"); }), "/proc/none/x: No such file or directory");
  words = faultIn([] { kj::throwFatalException(KJ_EXCEPTION(FAILED, "hunter2")); });
  EXPECT_TRUE(words.starts_with("an internal error (regular-file-test.cpp:")) << words;
  EXPECT_EQ(faultOf(kj::Exception(kj::Exception::Type::FAILED, "(remote)", 0, kj::str("hunter2"))),
            "the other side met an internal error");
  EXPECT_EQ(faultOf(KJ_EXCEPTION(DISCONNECTED, "hunter2")), "the connection ended");
  EXPECT_EQ(faultOf(KJ_EXCEPTION(OVERLOADED, "hunter2")), "there was no answer in time");
}

}  // namespace
}  // namespace smsd
