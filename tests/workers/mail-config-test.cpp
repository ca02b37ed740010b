// SPDX-License-Identifier: GPL-3.0-or-later
// The file of a mail dispatcher: what it has to name, and what is refused.
#include <sys/stat.h>

#include "tests/workers/mail-bench.h"

namespace smsd::mail {
namespace {

std::vector<config::Problem> problemsOf(const std::string& yaml) {
  MailDispatcher dispatcher;
  config::Keys keys;
  dispatcher.declare(keys);
  return keys.read(yaml, "mail.yaml");
}

// Wart C70: NAV's defaults leaked from one section into the other, so that without an address of its own the
// gateway's mail went to the administrator and counted as sent.
TEST(MailConfig, HasNoAddressOfItsOwnC70) {
  auto problems = problemsOf("server: smtp://127.0.0.1:25\n");
  ASSERT_EQ(problems.size(), 2U) << config::describe(problems);
  EXPECT_NE(problems[0].what.find("from"), std::string::npos) << problems[0].what;
  EXPECT_NE(problems[1].what.find("to"), std::string::npos) << problems[1].what;
}

TEST(MailConfig, SaysWhereAndWhatIsWrong) {
  test::Folder folder;
  std::ofstream(folder.path / "empty") << "";
  ASSERT_EQ(::mkfifo((folder.path / "fifo").c_str(), 0600), 0);
  std::ofstream(folder.path / "password") << "hunter2\n";
  std::filesystem::permissions(folder.path / "password", std::filesystem::perms::owner_read);
  const std::string login = "username: me\npassword_file: " + (folder.path / "password").string() + "\n";
  const std::string secret = "secrets: [{name: pin, file: " + (folder.path / "password").string() + "}]\n";
  const std::string server = "server: smtp://127.0.0.1:25\n";
  const std::string good = server + addresses;
  const std::pair<std::string, std::string> rows[] = {
      {addresses, "server"},
      {"server: http://gw\n" + addresses, "smtp://host:port"},
      {"server: smtp://me:hunter2@gw\n" + addresses, "nothing else"},
      {"server: smtp://gw/path\n" + addresses, "nothing else"},
      {"server: smtp://gw:0\n" + addresses, "port"},
      {"server: \"smtp://gw:25\\r\\nX\"\n" + addresses, "nothing else"},
      {good + "tls: maybe", "tls"},
      {"server: smtps://gw\ntls: never\n" + addresses, "smtps"},
      {"server: smtp://gw\ntls: never\n" + login + addresses, "password"},
      {good + "username: me", "password_file"},
      {good + "ca_file: ca.pem", "cannot be read"},
      {good + "ca_file: " + (folder.path / "empty").string(), "PEM"},
      {good + "ca_file: " + (folder.path / "fifo").string(), "not a regular file"},
      {good + "helo: \"a b\"", "host name"},
      {good + "window: 17", "window"},
      {good + "subject: \"{texxt}\"", "not a placeholder"},
      {good + "body: fixed", "{text}"},
      {good + "body: \"{text}{encoding}\"", "not a placeholder"},
      {good + "body: \"{text}{pin}\"", "a name from `secrets`"},
      {"server: smtp://gw\ntls: never\n" + secret + addresses, "secret"},
      {server + "from: smsd@example.org\nto: sms@gw.example.org\nsubject: alert\n",
       "{recipient} or {digits}"},
      {server + "from: me\nto: \"{recipient}@x\"\n", "name@host"},
      {server + "from: \"Me <me@x>\"\nto: \"{recipient}@x\"\n", "name@host"},
      {server + secret + "from: me@x\nto: \"{digits}.{pin}@x y\"\n", "name@host"},
      {server + "from: me@x\nto: \"{text}@x\"\n", "a text cannot stand"}};
  for (auto& [yaml, words] : rows) {
    auto problems = problemsOf(yaml);
    ASSERT_EQ(problems.size(), 1U) << yaml << config::describe(problems);
    EXPECT_NE(config::describe(problems).find(words), std::string::npos) << config::describe(problems);
    EXPECT_EQ(config::describe(problems).find("hunter2"), std::string::npos) << config::describe(problems);
  }
  EXPECT_EQ(config::describe(problemsOf(good + secret + "body: \"{pin} {digits} {text}\"")), "");
  EXPECT_EQ(config::describe(problemsOf(server + "from: me@x\nto: sms@x\nsubject: \"{digits}\"\n")), "");
  EXPECT_EQ(config::describe(problemsOf(good + login)), "");  // this host alone hears the password
  EXPECT_EQ(config::describe(problemsOf("server: smtp://gw\n" + login + addresses)), "");
}

}  // namespace
}  // namespace smsd::mail
