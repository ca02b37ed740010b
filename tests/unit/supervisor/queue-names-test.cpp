// SPDX-License-Identifier: GPL-3.0-or-later
// The path of an SQLite queue in smsd.yaml: no other file of smsd's own is there or will be.
#include <string>

#include "tests/unit/supervisor/config-file.h"

namespace smsd::config {
namespace {

class QueueNames : public SupervisorConfig {
 protected:
  std::string problemOf(const std::string& path, const std::string& rest) {
    return problemsOf("queue: {sqlite: {path: " + path + "}}\nstate_directory: state\n" + rest);
  }
  static std::string refused(const std::string& what) {
    return "smsd.yaml:1:18: queue.sqlite.path: " + what + ", expected a path of its own\n";
  }
};

TEST_F(QueueNames, RefusesAFileOfTheStateDirectory) {
  for (const char* name : {"instance", "paused", "paused.new", "admin-mail", "today-a"})
    EXPECT_EQ(problemOf(std::string("state/") + name, oneDispatcher),
              refused(std::string("state/") + name + " is a file of smsd's own (state_directory)"));
  EXPECT_EQ(problemOf("state", oneDispatcher), refused("state is state_directory"));
  EXPECT_EQ(problemOf("state/queue.db", oneDispatcher), "");
}

TEST_F(QueueNames, RefusesTheConfigurationAndTheFilesThatItNames) {
  EXPECT_EQ(problemOf("smsd.yaml", oneDispatcher), refused("smsd.yaml is this file"));
  EXPECT_EQ(problemOf("dispatchers/a.yaml", oneDispatcher),
            refused("dispatchers/a.yaml is dispatchers[0].config (at smsd.yaml:3:15)"));
  EXPECT_EQ(
      problemOf("a.sock", "dispatchers: [{name: a, kind: debug, activation: socket, socket: a.sock}]\n"),
      refused("a.sock is dispatchers[0].socket (at smsd.yaml:3:58)"));
}

TEST_F(QueueNames, RefusesAFileThatWouldBeBesideTheQueue) {
  for (const char* suffix : {"-wal", "-shm", "-journal", ".lock", ".reserve"})
    EXPECT_EQ(problemOf("q", "dispatchers: [{name: a, kind: debug, activation: socket, socket: q" +
                                 std::string(suffix) + "}]\n"),
              refused("q" + std::string(suffix) +
                      ", which is beside the queue, is dispatchers[0].socket (at smsd.yaml:3:58)"));
}

TEST_F(QueueNames, FollowsLinksToSuchAFile) {
  fs::create_directory(folder / "state");
  fs::create_directory_symlink("state", folder / "link");
  EXPECT_EQ(problemOf("link/paused", oneDispatcher),
            refused("state/paused is a file of smsd's own (state_directory)"));
}

TEST_F(QueueNames, AreFreeWithPostgresql) {
  EXPECT_EQ(
      problemsOf(
          "queue: {backend: postgresql, postgresql: {connection: dbname=nav}, sqlite: {path: state/paused}}\n"
          "state_directory: state\n" +
          oneDispatcher),
      "");
}

}  // namespace
}  // namespace smsd::config
