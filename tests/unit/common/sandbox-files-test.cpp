// SPDX-License-Identifier: GPL-3.0-or-later
// The files, folders and devices that a process that locked itself in can still open.
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>

#include "tests/unit/common/sandbox-child.h"

namespace smsd::sandbox {
namespace {

TEST_P(Sandbox, ReadsTheFilesAndFoldersThatAreNamedAndNoOther) {
  Policy policy{.readable = {folder / "listed", folder / "sub"}};
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "listed", O_RDONLY); }), worked);
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "sub" / "inner", O_RDONLY); }), worked);
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "sub", O_RDONLY | O_DIRECTORY); }), worked);
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "other", O_RDONLY); }), EACCES);
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder, O_RDONLY | O_DIRECTORY); }), EACCES);
  EXPECT_EQ(resultOf(policy, [] { return open_("/etc/passwd", O_RDONLY); }), EACCES);
  EXPECT_EQ(resultOf(policy, [] { return open_("/proc/self/mem", O_RDWR); }), EACCES);
}

TEST_P(Sandbox, WritesNothingThatIsOnlyReadable) {
  Policy policy{.readable = {folder / "listed", folder / "sub"}};
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "listed", O_WRONLY); }), EACCES);
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "sub" / "new", O_WRONLY | O_CREAT); }), EACCES);
  EXPECT_NE(resultOf(policy, [&] { return triedWith(::unlink((folder / "sub" / "inner").c_str())); }),
            worked);
}

TEST_P(Sandbox, AppendsToAWritableFileButCannotEmptyOrReplaceIt) {
  Policy policy{.writable = {folder / "listed"}};
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "listed", O_WRONLY | O_APPEND | O_CREAT); }),
            worked);
  if (landlockAbi() >= 3) {
    EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "listed", O_WRONLY | O_TRUNC); }), EACCES);
  }
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "other", O_WRONLY | O_APPEND); }), EACCES);
  EXPECT_NE(
      resultOf(policy,
               [&] { return triedWith(::rename((folder / "other").c_str(), (folder / "listed").c_str())); }),
      worked);
}

TEST_P(Sandbox, RefusesAFolderWhereAFileIsMeant) {
  EXPECT_EQ(resultOf({.writable = {folder}}, [] { return worked; }), lockFailed);
}

TEST_P(Sandbox, LeavesOutWhatIsMissing) {
  Policy policy{.readable = {folder / "missing", folder / "listed" / "below a file", folder / "other"},
                .writable = {folder / "missing"},
                .devices = {"/dev/no-such-modem"}};
  EXPECT_EQ(resultOf(policy, [&] { return open_(folder / "other", O_RDONLY); }), worked);
}

TEST_P(Sandbox, OpensTheDeviceThatIsNamedAndNoOther) {
  Policy policy{.devices = {"/dev/null"}};
  EXPECT_EQ(resultOf(policy, [] { return open_("/dev/null", O_RDWR); }), worked);
  EXPECT_EQ(resultOf(policy, [] { return open_("/dev/zero", O_RDWR); }), EACCES);
}

TEST_P(Sandbox, SetsUpTheSerialLineThatIsNamedAndTypesIntoNone) {
  int master = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_TRUE(master >= 0 && ::grantpt(master) == 0 && ::unlockpt(master) == 0);
  const std::string line = ::ptsname(master);
  ASSERT_EQ(::chmod(line.c_str(), 0666), 0);
  int other = ::posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_TRUE(other >= 0 && ::grantpt(other) == 0 && ::unlockpt(other) == 0);
  const std::string otherLine = ::ptsname(other);
  ASSERT_EQ(::chmod(otherLine.c_str(), 0666), 0);
  // by a link, as those in /dev/serial/by-id
  std::filesystem::create_symlink(line, folder / "by-id");
  auto onLine = [&](const std::function<int(int)>& attempt) {
    return resultOf({.devices = {folder / "by-id"}}, [&] {
      int fd = ::open((folder / "by-id").c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK);
      return fd < 0 ? errno : attempt(fd);
    });
  };
  EXPECT_EQ(onLine([](int fd) {
              termios settings{};
              if (::tcgetattr(fd, &settings) != 0) return errno;
              ::cfmakeraw(&settings);
              return triedWith(::tcsetattr(fd, TCSANOW, &settings));
            }),
            worked);
  EXPECT_EQ(onLine([](int fd) {
              int exclusive = 0;
              if (::ioctl(fd, TIOCEXCL) != 0 || ::ioctl(fd, TIOCGEXCL, &exclusive) != 0) return errno;
              return exclusive != 0 ? triedWith(::ioctl(fd, TIOCNXCL)) : EINVAL;
            }),
            worked);
  EXPECT_EQ(onLine([](int fd) { return triedWith(::ioctl(fd, TIOCSTI, "x")); }), EPERM);
  EXPECT_EQ(onLine([](int fd) { return triedWith(::ioctl(fd, TIOCSCTTY, 0)); }), EPERM);
  EXPECT_EQ(onLine([&](int) { return open_(otherLine, O_RDWR | O_NOCTTY); }), EACCES);
  EXPECT_EQ(onLine([](int) { return open_("/dev/ptmx", O_RDWR | O_NOCTTY); }), EACCES);
  ::close(master);
  ::close(other);
}

TEST_P(Sandbox, BoundsFilesUnlessOneIsWritable) {
  auto bound = [] {
    rlimit size{};
    ::getrlimit(RLIMIT_FSIZE, &size);
    return size.rlim_max == RLIM_INFINITY ? EFBIG : worked;
  };
  EXPECT_EQ(resultOf({}, bound), worked);
  EXPECT_EQ(resultOf({.writable = {folder / "listed"}}, bound), EFBIG);
}

}  // namespace
}  // namespace smsd::sandbox
