// SPDX-License-Identifier: GPL-3.0-or-later
// The disk is full: what smsd has to write down it can, what others want to add is refused, and all is well
// again as soon as there is room, without a restart. On a file system of 6 MB of the test's own.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <tuple>

#include "supervisor/queue/built-in.h"
#include "tests/queue/suite/queue-suite.h"

namespace smsd::queue {
namespace {

namespace fs = std::filesystem;

class SqliteOnAFullDisk : public testing::Test {
 protected:
  fs::path folder;
  std::string path;

  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "smsd-full-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder = pattern;
    path = (folder / "queue.db").string();
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("full", folder.c_str(), "tmpfs", 0, "size=6m") != 0)
      GTEST_SKIP() << "no file system can be mounted here (" << strerror(errno) << ")";
    mounted_ = true;
  }
  void TearDown() override {
    if (mounted_) umount2(folder.c_str(), MNT_DETACH);
    fs::remove_all(folder);
  }

  std::unique_ptr<Queue> enlisted() {
    auto queue = openSqlite(path);
    queue->enlist("here", longLease);
    return queue;
  }
  void put(int first, int count) {
    std::vector<NewMessage> messages;
    for (int i = first; i < first + count; ++i)
      messages.push_back({std::nullopt, std::to_string(1'000'000 + i), std::string(100, 'x'), 1});
    openSqlite(path)->insert(messages);
  }
  /// To the last byte.
  void fill() {
    const int fd = open((folder / "ballast").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ASSERT_GE(fd, 0);
    for (std::size_t size : {65536, 4096, 1}) {
      const std::string block(size, 'b');
      while (write(fd, block.data(), block.size()) > 0) {
      }
    }
    close(fd);
    EXPECT_EQ(fs::space(folder).available, 0u);
  }
  void makeRoom() { fs::remove(folder / "ballast"); }
  bool hasReserve() const { return fs::exists(path + ".reserve"); }

  static std::vector<Submission> claim(Queue& queue) {
    ClaimRequest request;
    request.limit = 50;
    request.dispatcher = "modem";
    request.format = joined;
    return queue.claim(request).submissions;
  }
  static std::size_t settle(Queue& queue, const std::vector<Submission>& claimed) {
    std::vector<Settlement> settlements;
    for (const auto& submission : claimed)
      settlements.push_back({submission, Fate::sent, "accepted", "", "", std::nullopt});
    return queue.settle(settlements).sent;
  }

 private:
  bool mounted_ = false;
};

TEST_F(SqliteOnAFullDisk, WhatWaitsIsSentAndMarkedAndSaidToBeInNeed) {
  auto queue = enlisted();
  EXPECT_TRUE(hasReserve());
  EXPECT_EQ(queue->strained(), "");
  put(0, 500);
  auto claimed = claim(*queue);
  ASSERT_EQ(claimed.size(), 50u);
  fill();
  std::size_t sent = 0;
  for (; !claimed.empty(); claimed = claim(*queue)) sent += settle(*queue, claimed);
  EXPECT_EQ(sent, 500u);
  queue->renew();
  EXPECT_NE(queue->strained().find("the disk is full"), std::string::npos) << queue->strained();
  std::string what;
  EXPECT_EQ(refusal([&] { put(1000, 5000); }, &what), QueueError::Kind::unreachable);
  EXPECT_NE(what.find("the disk is full: free space"), std::string::npos) << what;

  makeRoom();
  EXPECT_EQ(queue->strained(), "");
  EXPECT_TRUE(hasReserve());
  put(1000, 50);
  EXPECT_EQ(settle(*queue, claim(*queue)), 50u);
}

TEST_F(SqliteOnAFullDisk, ASupervisorStartsAndStops) {
  {
    auto queue = enlisted();
    put(0, 50);
    claim(*queue);
  }  // dies: what it had claimed stays
  ASSERT_FALSE(fs::exists(path + "-shm")) << "has to be made again";
  fill();
  auto queue = enlisted();
  const auto adopted = queue->takeOver();
  EXPECT_EQ(adopted.size(), 50u);
  EXPECT_EQ(settle(*queue, adopted), 50u);
  queue->retire();
}

// The reserve of the earlier run is larger than the bound that the full disk gives. It is no space for
// others.
TEST_F(SqliteOnAFullDisk, ASupervisorThatStartsThereReportsThatNoMessageGetsIn) {
  enlisted().reset();
  ASSERT_GT(fs::file_size(path + ".reserve"), 1u << 20);
  fill();
  auto queue = enlisted();
  fill();
  EXPECT_NE(queue->strained().find("the disk is full"), std::string::npos) << queue->strained();
  std::string what;
  EXPECT_EQ(refusal([&] { put(0, 1000); }, &what), QueueError::Kind::unreachable);
  EXPECT_EQ(what, path +
                      ": the disk is full: free space on its file system; the message is not in the queue: "
                      "send it again afterwards");
  makeRoom();
  EXPECT_EQ(queue->strained(), "");
  put(0, 1);
  EXPECT_EQ(settle(*queue, claim(*queue)), 1u);
}

TEST_F(SqliteOnAFullDisk, WithoutAReserveEverythingWorksAgainAsSoonAsThereIsRoom) {
  auto queue = enlisted();
  put(0, 50);
  const auto claimed = claim(*queue);
  fs::remove(path + ".reserve");
  fill();
  std::string what;
  std::optional<QueueError::Kind> kind;
  // There may be pages in the log that nobody needs any more; they do not last.
  for (int i = 0; i < 2000 && !kind; ++i) {
    kind = refusal([&] { queue->insert({{std::nullopt, "1", std::string(140, 'y'), 1}}); }, &what);
    fs::remove(path + ".reserve");
    if (!kind) fill();
  }
  ASSERT_EQ(kind, QueueError::Kind::unreachable);
  EXPECT_NE(what.find("the disk is full: free space"), std::string::npos) << what;
  makeRoom();
  EXPECT_EQ(settle(*queue, claimed), 50u);
  EXPECT_EQ(queue->strained(), "");
}

TEST_F(SqliteOnAFullDisk, TheLogKeepsToItsBoundHoweverMuchIsWritten) {
  auto queue = enlisted();
  std::uintmax_t longest = 0;
  for (int round = 0; round < 40; ++round) {
    put(round * 50, 50);
    ASSERT_EQ(settle(*queue, claim(*queue)), 50u);
    longest = std::max(longest, fs::file_size(path + "-wal"));
  }
  EXPECT_LT(longest, 2u << 20);
  EXPECT_TRUE(hasReserve());
}

TEST_F(SqliteOnAFullDisk, AnEmptyDiskIsNotReservedWhole) {
  auto queue = enlisted();
  EXPECT_GT(fs::file_size(path + ".reserve"), 256u << 10);
  EXPECT_LT(fs::file_size(path + ".reserve"), 2u << 20);
}

TEST_F(SqliteOnAFullDisk, AFileThatSmsdDidNotMakeIsNoReserve) {
  const std::string reserve = path + ".reserve", other = (folder / "other").string();
  std::ofstream(other) << "precious";
  chmod(other.c_str(), 0600);
  const std::tuple<const char*, std::function<void()>> kinds[] = {
      {"a symbolic link", [&] { fs::create_symlink(other, reserve); }},
      {"another file", [&] { fs::copy(other, reserve); }},
      {"another file", [&] { fs::create_hard_link(other, reserve); }},
      {"no regular file", [&] { ASSERT_EQ(mkfifo(reserve.c_str(), 0600), 0); }},
      {"no regular file", [&] { fs::create_directory(reserve); }}};
  for (const auto& [kind, put] : kinds) {
    put();
    const auto before = fs::symlink_status(reserve).type();
    auto queue = enlisted();
    EXPECT_NE(
        queue->strained().find(reserve + ": expected the space that smsd reserves for a full disk, found " +
                               kind + ": move it away"),
        std::string::npos)
        << queue->strained();
    EXPECT_EQ(fs::symlink_status(reserve).type(), before) << kind;
    EXPECT_EQ(fs::file_size(other), 8u) << kind;
    if (before == fs::file_type::regular) {
      EXPECT_EQ(fs::file_size(reserve), 8u) << kind;
    }
    fs::remove(reserve);
    EXPECT_EQ(queue->strained(), "");
    EXPECT_TRUE(hasReserve());
    queue.reset();
    fs::remove(reserve);
  }
}

TEST_F(SqliteOnAFullDisk, AFileOfAnotherProgramIsNotGivenUpForSpace) {
  std::ofstream(path + ".reserve") << std::string(2'000'000, 'x');
  chmod((path + ".reserve").c_str(), 0600);
  auto queue = enlisted();
  put(0, 50);
  const auto claimed = claim(*queue);
  fill();
  // The log may have pages to use again; they do not last.
  std::optional<QueueError::Kind> kind;
  for (int i = 0; i < 2000 && !kind; ++i) {
    kind = refusal([&] { queue->insert({{std::nullopt, "1", std::string(140, 'y'), 1}}); });
    if (!kind) fill();
  }
  EXPECT_EQ(kind, QueueError::Kind::unreachable);
  EXPECT_EQ(queue->strained().find("had reserved"), std::string::npos) << queue->strained();
  EXPECT_EQ(fs::file_size(path + ".reserve"), 2'000'000u);
  makeRoom();
  EXPECT_EQ(settle(*queue, claimed), 50u);
  EXPECT_EQ(fs::file_size(path + ".reserve"), 2'000'000u);
}

// Earlier versions wrote no mark into the reserve.
TEST_F(SqliteOnAFullDisk, AReserveOfAnEarlierVersionIsUsed) {
  std::ofstream(path + ".reserve") << std::string(300'000, '\0');
  chmod((path + ".reserve").c_str(), 0600);
  auto queue = enlisted();
  EXPECT_EQ(queue->strained(), "");
  EXPECT_GT(fs::file_size(path + ".reserve"), 1u << 20);
}

}  // namespace
}  // namespace smsd::queue
