// SPDX-License-Identifier: GPL-3.0-or-later
// The path of the queue's file: where it leads, and paths at which no queue can be.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "supervisor/queue/built-in.h"
#include "supervisor/queue/sqlite/queue-path.h"
#include "tests/queue/sqlite-bench.h"

namespace smsd::queue::sqlite {
namespace {

TEST_F(SqliteFile, IsFoundThroughLinksAlsoBeforeItExists) {
  fs::create_directory(folder / "real");
  const std::string file = (folder / "real" / "file.db").string();
  fs::create_symlink("real/file.db", folder / "relative");
  fs::create_symlink(file, folder / "absolute");
  fs::create_symlink("../absolute", folder / "real" / "back");
  fs::create_directory_symlink("real", folder / "linked");
  for (const char* name : {"real/file.db", "relative", "absolute", "real/back", "linked/file.db",
                           "linked/back", "real/../relative"})
    EXPECT_EQ(resolved((folder / name).string()), file) << name;
  EXPECT_EQ(resolved((folder / "none" / "file.db").string()), (folder / "none" / "file.db").string());
}

TEST_F(SqliteFile, IsRefusedWhereNoFileCanBe) {
  const auto place = [&](const std::string& name) { return (folder / name).string(); };
  fs::create_directory(folder / "folder");
  ASSERT_EQ(mkfifo(place("pipe").c_str(), 0600), 0);
  fs::create_symlink("circle", folder / "circle");
  fs::create_directory_symlink("folder", folder / "link");
  std::ofstream(folder / "file") << "text";
  const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  place("socket").copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  close(listener);
  const std::pair<std::string, std::string> cases[] = {
      {place("folder"), "folder: expected a file, found a folder"},
      {place("link"), "folder: expected a file, found a folder"},
      {place("pipe"), "pipe: expected a file, found a FIFO"},
      {place("socket"), "socket: expected a file, found a socket"},
      {"/dev/null", "/dev/null: expected a file, found a device"},
      {place("circle"), "circle: its symbolic links lead in a circle"},
      {place("file/queue.db"), "queue.db: the path leads through a file as if it were a folder"},
      {place(std::string(248, 'x')),
       "the file's name has 248 bytes, and a queue's name may have at most 247"},
      {place(std::string(300, 'x')), "the file's name has 300 bytes"},
      {place(std::string(200, 'x') + "/" + std::string(200, 'x') + "/" + std::string(200, 'x')),
       "bytes, and a queue's path may have at most 504"}};
  for (const auto& [where, expected] : cases) {
    std::string what;
    EXPECT_EQ(refusal([&, file = where] { openSqlite(file)->depth(1); }, &what),
              QueueError::Kind::notInstalled)
        << where;
    EXPECT_NE(what.find(expected), std::string::npos) << what;
    EXPECT_NE(what.find(": set queue.sqlite.path to another path"), std::string::npos) << what;
  }
}

TEST_F(SqliteFile, MayHaveTheLongestNameToWhichSmsdCanAddAnEnding) {
  path = (folder / std::string(247, 'x')).string();
  auto queue = openSqlite(path);
  queue->enlist("here", longLease);
  EXPECT_EQ(queue->strained(), "");
}

}  // namespace
}  // namespace smsd::queue::sqlite
