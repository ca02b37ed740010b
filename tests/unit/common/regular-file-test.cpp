// SPDX-License-Identifier: GPL-3.0-or-later
// Files of others' making.
#include "common/files/regular-file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

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

}  // namespace
}  // namespace smsd
