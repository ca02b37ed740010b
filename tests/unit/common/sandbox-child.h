// SPDX-License-Identifier: GPL-3.0-or-later
// A child process that locks itself in and tries one thing; its exit status says what came of it.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>

#include "common/sandbox/sandbox.h"
#include "tests/unit/common/older-landlock.h"

namespace smsd::sandbox {

constexpr uid_t nobody = 65534;
constexpr int worked = 0;  // else a child's exit status is the errno that it ran into
constexpr int lockFailed = 250;

inline int triedWith(long result) { return result >= 0 ? worked : errno; }

inline int open_(const std::string& path, int flags) {
  int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
  int result = triedWith(fd);
  if (fd >= 0) ::close(fd);
  return result;
}

inline int socket_(int family, int type, int protocol) {
  int fd = ::socket(family, type | SOCK_CLOEXEC, protocol);
  int result = triedWith(fd);
  if (fd >= 0) ::close(fd);
  return result;
}

inline int connectTo(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int result =
      fd < 0 ? errno : triedWith(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
  if (fd >= 0) ::close(fd);
  return result;
}

/// A listening socket on loopback.
struct Listener {
  Listener() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(fd, 8) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
      throw std::runtime_error("no listening socket");
    port = ntohs(address.sin_port);
  }
  ~Listener() { ::close(fd); }
  int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t port = 0;
};

inline int landlockAbi() {
  return static_cast<int>(::syscall(SYS_landlock_create_ruleset, nullptr, 0, 1 /* version */));
}

/// With a parameter: "oneself", "nobody", or "abi1" to "abi5" for an older Landlock.
class Sandbox : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string param = GetParam();
    asNobody_ = param == "nobody";
    fakeLandlockAbi(param.starts_with("abi") ? std::stoi(param.substr(3)) : 0);
    if (asNobody_ && ::getuid() != 0) GTEST_SKIP() << "only root can become nobody";
    char name[] = "/tmp/smsd-sandbox-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder = name;
    std::ofstream(folder / "listed") << "listed";
    std::ofstream(folder / "other") << "other";
    std::filesystem::create_directory(folder / "sub");
    std::ofstream(folder / "sub" / "inner") << "inner";
    if (!asNobody_) return;
    for (auto path : {folder, folder / "listed", folder / "other", folder / "sub", folder / "sub" / "inner"})
      ASSERT_EQ(::chown(path.c_str(), nobody, nobody), 0);
  }
  void TearDown() override {
    fakeLandlockAbi(0);
    if (!folder.empty()) std::filesystem::remove_all(folder);
  }

  /// A child that becomes the user, locks itself in and tries.
  pid_t start(const Policy& policy, const std::function<int()>& attempt) {
    pid_t child = ::fork();
    if (child != 0) return child;
    if (asNobody_ && (::setgid(nobody) != 0 || ::setuid(nobody) != 0)) ::_exit(lockFailed);
    try {
      lockIn(policy);
      ::_exit(attempt());
    } catch (const std::exception& e) {
      std::cerr << e.what() << std::endl;
      ::_exit(lockFailed);
    }
  }

  int statusOf(const Policy& policy, const std::function<int()>& attempt) {
    pid_t child = start(policy, attempt);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
  }

  int resultOf(const Policy& policy, const std::function<int()>& attempt) {
    int status = statusOf(policy, attempt);
    EXPECT_TRUE(WIFEXITED(status)) << "ended by signal " << WTERMSIG(status);
    return WEXITSTATUS(status);
  }

  bool asNobody_ = false;
  std::filesystem::path folder;
};

}  // namespace smsd::sandbox
