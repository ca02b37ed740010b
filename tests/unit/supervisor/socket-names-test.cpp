// SPDX-License-Identifier: GPL-3.0-or-later
// The paths of sockets in smsd.yaml: each is a path of its own, where nothing else is.
#include <sys/stat.h>

#include <string>
#include <utility>

#include "tests/unit/supervisor/config-file.h"

namespace smsd::config {
namespace {

TEST_F(SupervisorConfig, RefusesASocketPathThatNoSocketCanHave) {
  EXPECT_NE(problemsOf("control: {socket: /" + std::string(107, 'x') + "}\n" + oneDispatcher)
                .find("smsd.yaml:1:11: control.socket: a path of 108 bytes, expected at most 107"),
            std::string::npos);
}

TEST_F(SupervisorConfig, RefusesAControlSocketWhereSomethingElseIs) {
  write(folder / "queue.db", "not to be lost");
  fs::create_symlink(folder / "queue.db", folder / "link");
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  const std::pair<const char*, const char*> found[] = {
      {"queue.db", "a file"}, {"dispatchers", "a folder"}, {"link", "a symbolic link"}, {"pipe", "a FIFO"}};
  for (auto& [name, kind] : found)
    EXPECT_EQ(problemsOf(std::string("control: {socket: ") + name + "}\n" + oneDispatcher),
              std::string("smsd.yaml:1:11: control.socket: ") + name + " is " + kind +
                  ", expected a free path or a socket\n");
  EXPECT_EQ(problemsOf("control: {socket: /dev/null}\n" + oneDispatcher),
            "smsd.yaml:1:11: control.socket: /dev/null is a device, expected a free path or a "
            "socket\n");
  EXPECT_TRUE(fs::exists(folder / "queue.db"));
}

TEST_F(SupervisorConfig, RefusesAControlSocketWhereTheQueueOrAWorkerIs) {
  for (const char* suffix : {"", "-wal", "-shm", "-journal", ".lock", ".reserve"})
    EXPECT_EQ(problemsOf("queue: {sqlite: {path: new.db}}\ncontrol: {socket: new.db" + std::string(suffix) +
                         "}\n" + oneDispatcher),
              "smsd.yaml:2:11: control.socket: new.db" + std::string(suffix) +
                  " is a file of the queue (queue.sqlite.path), expected a path of its own\n");
  EXPECT_EQ(problemsOf("control: {socket: one.sock}\n"
                       "dispatchers: [{name: a, kind: debug, activation: socket, socket: one.sock}]\n"),
            "smsd.yaml:2:58: dispatchers[0].socket: one.sock is control.socket (at smsd.yaml:1:11), expected "
            "a path of its "
            "own\n");
}

TEST_F(SupervisorConfig, HasASocketForTheStateUnlessItsOtherSocketLeavesRunSmsd) {
  const struct {
    const char* text;
    fs::path control, status;
  } rows[] = {
      {"", defaultControlSocket, defaultStatusSocket},
      {"control: {socket: /run/smsd/control.sock}\n", formerControlSocket, defaultStatusSocket},
      {"control: {socket: c.sock}\n", folder / "c.sock", ""},
      {"control: {socket: c.sock}\nstatus: {socket: s.sock}\n", folder / "c.sock", folder / "s.sock"},
      {"status: {socket: s.sock}\n", defaultControlSocket, folder / "s.sock"},
  };
  for (const auto& row : rows) {
    const ConfigRead found = read(row.text + oneDispatcher);
    EXPECT_EQ(describe(found.problems), "") << row.text;
    EXPECT_EQ(found.config.controlSocket, row.control) << row.text;
    EXPECT_EQ(found.config.statusSocket, row.status) << row.text;
  }
  EXPECT_NE(problemsOf("control: {socket: one.sock}\nstatus: {socket: one.sock}\n" + oneDispatcher)
                .find("status.socket: one.sock is control.socket (at smsd.yaml:1:11)"),
            std::string::npos);
  EXPECT_NE(problemsOf("status: {socket: /dev/null}\n" + oneDispatcher)
                .find("status.socket: /dev/null is a device"),
            std::string::npos);
}

TEST_F(SupervisorConfig, TheDefaultSocketMayBeThatOfAnOlderVersion) {
  EXPECT_EQ(placesOf(defaultControlSocket),
            (std::vector<fs::path>{defaultControlSocket, formerControlSocket}));
  EXPECT_EQ(placesOf("/elsewhere"), (std::vector<fs::path>{"/elsewhere"}));
}

// One worker cannot be two dispatchers: it has one file, and its outcomes have one owner.
TEST_F(SupervisorConfig, RefusesOneSocketForTwoWorkers) {
  const std::string a = "{name: a, kind: debug, activation: socket, socket: one.sock}";
  const std::string mail = "admin_mail: {to: a@b.example, activation: socket, socket: ";
  const std::pair<std::string, std::string> cases[] = {
      {"dispatchers: [" + a + ", {name: b, kind: debug, activation: socket, socket: ./one.sock}]\n",
       "smsd.yaml:1:120: dispatchers[1].socket: one.sock is dispatchers[0].socket (at smsd.yaml:1:58), "
       "expected a path of its own\n"},
      {"dispatchers: [{name: b, kind: debug, activation: socket, socket: /run/smsd/c.sock}, {name: c, kind: "
       "debug, activation: socket}]\n",
       "smsd.yaml:1:85: dispatchers[1].socket: /run/smsd/c.sock is dispatchers[0].socket (at "
       "smsd.yaml:1:58), expected a path of its own\n"},
      {mail + "one.sock}\ndispatchers: [" + a + "]\n",
       "smsd.yaml:1:51: admin_mail.socket: one.sock is dispatchers[0].socket (at smsd.yaml:2:58), expected a "
       "path of its own\n"},
      {"control: {socket: own.sock}\n" + mail + "own.sock}\n" + oneDispatcher,
       "smsd.yaml:2:51: admin_mail.socket: own.sock is control.socket (at smsd.yaml:1:11), expected a path "
       "of "
       "its own\n"}};
  for (const auto& [text, problems] : cases) EXPECT_EQ(problemsOf(text), problems) << text;
  // Without effect: systemd starts neither, or there is no such mail.
  for (const std::string& text :
       {"dispatchers: [" + a +
            ", {name: b, kind: debug, activation: spawn, socket: one.sock, config: "
            "dispatchers/modem.yaml}]\n",
        "admin_mail: {activation: socket, socket: one.sock}\ndispatchers: [" + a + "]\n"})
    EXPECT_EQ(problemsOf(text), "") << text;
}

TEST_F(SupervisorConfig, RefusesADispatcherWhoseSocketWouldBeOneOfSmsdsOwn) {
  for (const std::string name : {"control", "status", "intake"}) {
    const std::string why =
        "is " + name + ", expected another name: /run/smsd/" + name + ".sock is a socket of smsd's own\n";
    EXPECT_EQ(problemsOf("dispatchers: [{name: " + name + ", kind: debug, activation: socket}]\n"),
              "smsd.yaml:1:16: dispatchers[0].name: " + why);
    EXPECT_EQ(problemsOf("admin_mail: {dispatcher: " + name + ", activation: socket}\n" + oneDispatcher),
              "smsd.yaml:1:14: admin_mail.dispatcher: " + why);
  }
}

}  // namespace
}  // namespace smsd::config
