// SPDX-License-Identifier: GPL-3.0-or-later
// Kinds of an administrator: where their programs are found, and which are refused.
#include "supervisor/config/worker-programs.h"

#include "tests/unit/supervisor/config-file.h"

namespace smsd::config {
namespace {

class OwnKinds : public SupervisorConfig {
 protected:
  void SetUp() override {
    SupervisorConfig::SetUp();
    for (const auto& path : {folders.own, folders.beside, folders.installed}) {
      fs::create_directory(path);
      chmod(path.c_str(), 0755);
    }
    program(folders.installed, "http");
  }

  static fs::path program(const fs::path& where, const std::string& kind, mode_t mode = 0755) {
    write(where / ("smsd-worker-" + kind), "#!/bin/sh\n", mode);
    return where / ("smsd-worker-" + kind);
  }
  fs::path found(const std::string& kind) const { return findWorker(folders, dispatcherOf(kind)); }
  static DispatcherConfig dispatcherOf(const std::string& kind) {
    DispatcherConfig dispatcher;
    dispatcher.name = "a";
    dispatcher.kind = kind;
    return dispatcher;
  }
  /// The problems with the programs of one dispatcher of that kind, without the folder.
  std::string problems(const std::string& kind, DispatcherConfig dispatcher = {}) {
    Config config;
    if (dispatcher.kind.empty()) dispatcher = dispatcherOf(kind);
    config.dispatchers = {dispatcher};
    Keys keys;
    keys.read("", "smsd.yaml");
    std::string text = describe(checkWorkerPrograms(keys, config, folders));
    for (std::size_t at; (at = text.find(folder.string() + "/")) != std::string::npos;)
      text.erase(at, folder.string().size() + 1);
    return text;
  }

  WorkerFolders folders{.own = folder / "own", .beside = folder / "bin", .installed = folder / "libexec"};
};

TEST_F(OwnKinds, AreFoundInTheAdministratorsFolderFirst) {
  EXPECT_EQ(found("pager"), folders.installed / "smsd-worker-pager") << "there is none";
  for (const auto& place : {folders.installed, folders.beside, folders.own}) {
    program(place, "pager");
    EXPECT_EQ(found("pager"), place / "smsd-worker-pager");
    EXPECT_EQ(problems("pager"), "");
  }
  program(folders.own, "pager", 0644);
  EXPECT_EQ(found("pager"), folders.beside / "smsd-worker-pager")
      << "a file that cannot be executed is passed over";
  DispatcherConfig named = dispatcherOf("pager");
  named.worker = "/opt/pager";
  EXPECT_EQ(findWorker(folders, named), "/opt/pager");
}

TEST_F(OwnKinds, AreNotFoundAsFolders) {
  fs::create_directory(folders.own / "smsd-worker-pager");
  EXPECT_NE(problems("pager").find("own/smsd-worker-pager cannot be executed"), std::string::npos)
      << problems("pager");
}

TEST_F(OwnKinds, NeedNoFolderOfTheAdministrator) {
  folders.own.clear();
  program(folders.installed, "pager");
  EXPECT_EQ(problems("pager"), "");
}

TEST_F(OwnKinds, WithoutAProgramNameThePlacesThatWereSearchedAndTheNearKind) {
  EXPECT_EQ(
      problems("fax"),
      "smsd.yaml:1:1: dispatchers[0].kind: found no program smsd-worker-fax for kind fax in own, bin, "
      "libexec: put "
      "it into one of these folders, set `workers_directory` to its folder, or set `worker` to its path\n");
  const std::string near = "did you mean http? Otherwise put it into";
  EXPECT_NE(problems("htpp").find(near), std::string::npos) << problems("htpp");
  program(folders.own, "pager");
  EXPECT_NE(problems("pagr").find("did you mean pager?"), std::string::npos) << problems("pagr");
  folders.own.clear();
  EXPECT_NE(problems("htpp").find("in bin, libexec: did you"), std::string::npos) << problems("htpp");
}

TEST_F(OwnKinds, ThatSystemdStartsHaveToBeThereAsWell) {
  DispatcherConfig bySystemd = dispatcherOf("htpp");
  bySystemd.activation = Activation::socket;
  EXPECT_NE(problems("", bySystemd).find("found no program"), std::string::npos);
  bySystemd.worker = "/elsewhere/htpp";
  EXPECT_EQ(problems("", bySystemd), "");
}

TEST_F(OwnKinds, AreRefusedWhereTheirProgramHasANameOfSmsdsOwn) {
  for (const char* name :
       {"gammu", "http", "soap", "mail", "command", "debug", "control", "exporter", "intake", "status"}) {
    const fs::path file = program(folders.own, name, 0644);
    const std::string found = problems("http");
    EXPECT_TRUE(found.starts_with("smsd.yaml:1:1: workers_directory: own/smsd-worker-" + std::string(name) +
                                  " has a name that smsd keeps for its own "))
        << found;
    EXPECT_NE(found.find("rename it, or move it"), std::string::npos) << found;
    fs::remove(file);
    fs::create_symlink("/nowhere", file);
    EXPECT_NE(problems("http"), "") << "a link that leads nowhere may lead somewhere later";
    fs::remove(file);
  }
  program(folders.own, "https");
  EXPECT_EQ(problems("http"), "");
}

TEST_F(OwnKinds, NeverReplaceABuiltInOne) {
  program(folders.own, "http");
  EXPECT_EQ(found("http"), folders.installed / "smsd-worker-http");
}

TEST_F(OwnKinds, MayBeInTheFolderOfTheInstalledWorkers) {
  folders.own = folders.installed;
  program(folders.installed, "pager");
  EXPECT_EQ(problems("pager"), "");
}

TEST_F(OwnKinds, AreRefusedWhereOthersCanReplaceAFolderAboveOrALinkOnTheWay) {
  const fs::path file = program(folders.own, "pager");
  const fs::path open = folder / "open";
  fs::create_directory(open);
  fs::rename(folders.own, open / "own");
  fs::create_directory_symlink(open / "own", folders.own);
  chmod(open.c_str(), 0777);
  EXPECT_NE(problems("pager").find("open can be changed by others"), std::string::npos) << problems("pager");
  chmod(open.c_str(), 01777);
  EXPECT_EQ(geteuid() == 0 ? problems("pager") : "", "");
  fs::remove(folders.own);
  fs::rename(open / "own", folders.own);
  chmod(open.c_str(), 0777);
  fs::rename(file, folders.own / "target");
  fs::create_symlink(folders.own / "target", open / "link");
  fs::create_symlink(open / "link", file);
  EXPECT_NE(problems("pager").find("open can be changed by others"), std::string::npos) << problems("pager");
}

TEST_F(OwnKinds, AreRefusedWhereOthersCanChangeTheirProgramOrItsFolder) {
  const fs::path file = program(folders.own, "pager");
  const fs::path elsewhere = folder / "elsewhere";
  fs::create_directory(elsewhere);
  chmod(elsewhere.c_str(), 0755);
  for (const fs::path& path : {file, folders.own})
    for (mode_t mode : {0775, 0757}) {
      chmod(path.c_str(), mode);
      const std::string found = problems("pager");
      EXPECT_NE(found.find("can be changed by others than its owner"), std::string::npos) << path << found;
      EXPECT_NE(found.find("chmod go-w"), std::string::npos) << found;
      chmod(path.c_str(), 0755);
      EXPECT_EQ(problems("pager"), "");
    }
  fs::rename(file, elsewhere / "target");
  fs::create_symlink(elsewhere / "target", file);
  EXPECT_EQ(problems("pager"), "");
  chmod(elsewhere.c_str(), 0777);
  EXPECT_NE(problems("pager").find("elsewhere can be changed by others"), std::string::npos)
      << problems("pager");
  chmod(elsewhere.c_str(), 0755);
  if (geteuid() != 0) return;
  EXPECT_EQ(chown((elsewhere / "target").c_str(), 65534, 65534), 0);
  EXPECT_NE(problems("pager").find("belongs to user 65534, expected root"), std::string::npos)
      << problems("pager");
}

/// smsctl, perhaps as root, starts the program of a kind to learn its keys.
TEST_F(OwnKinds, AreNotTrustedWhereTheEntryNamesAProgramThatOthersCanChange) {
  DispatcherConfig named = dispatcherOf("pager");
  named.worker = program(folders.beside, "pager");
  EXPECT_EQ(problemOfProgram(folders, named), std::nullopt);
  chmod(named.worker.c_str(), 0777);
  EXPECT_NE(problemOfProgram(folders, named).value_or("").find("can be changed by others"),
            std::string::npos);
  EXPECT_EQ(problemOfProgram(folders, dispatcherOf("pager")), std::nullopt) << "beside smsd it is smsd's own";
}

TEST_F(OwnKinds, NeedTheFolderThatIsNamed) {
  folders.own = folder / "none";
  EXPECT_EQ(problems("http"),
            "smsd.yaml:1:1: workers_directory: none cannot be entered (No such file or directory), expected "
            "a folder "
            "that this user may enter\n");
  folders.own = folder / "dispatchers/a.yaml";
  EXPECT_NE(problems("http").find("dispatchers/a.yaml is no folder"), std::string::npos);
}

TEST_F(OwnKinds, AreRefusedInSmsdYamlWithTheirPlace) {
  const std::string own = "workers_directory: own/\n";
  const auto one = [](const std::string& more) { return "dispatchers: [{name: a, " + more + "}]\n"; };
  EXPECT_EQ(problemsOf(one("kind: intake")),
            "smsd.yaml:1:25: dispatchers[0].kind: is intake, expected another name: smsd reserves "
            "smsd-worker-intake for "
            "a program of its own\n");
  EXPECT_NE(
      problemsOf(one("kind: Pager")).find("smsd.yaml:1:25: dispatchers[0].kind: is not the name of a kind"),
      std::string::npos);
  EXPECT_NE(problemsOf(own + one("kind: pagr")).find("smsd.yaml:2:25: dispatchers[0].kind: found no program"),
            std::string::npos);
  program(folders.own, "pager");
  const ConfigRead good = read(own + one("kind: pager, window: 1024"));
  EXPECT_EQ(describe(good.problems), "");
  EXPECT_EQ(good.config.workersDirectory, folders.own);
  EXPECT_EQ(good.config.dispatchers[0].window, 1024);
  EXPECT_EQ(read(own + one("kind: pager")).config.dispatchers[0].window, std::nullopt);
  for (const char* wrong : {"0", "1025", "-1", "many"})
    EXPECT_NE(problemsOf(own + one("kind: pager, window: " + std::string(wrong)))
                  .find("expected an integer 1..1024"),
              std::string::npos)
        << wrong;
  const std::string mail = "admin_mail: {to: noc@example.org, dispatcher: b, kind: ";
  EXPECT_EQ(problemsOf(own + one("kind: debug") + mail + "pager, window: 2}\n"), "");
  EXPECT_NE(problemsOf(own + one("kind: debug") + mail + "pagr}\n").find("admin_mail.kind: found no program"),
            std::string::npos);
  EXPECT_NE(problemsOf(own + one("kind: debug") + mail + "status}\n").find("admin_mail.kind: is status"),
            std::string::npos);
}

TEST_F(OwnKinds, AloneHaveAWindowInSmsdYaml) {
  const auto problem = [&](const std::string& kind) {
    return problemsOf("dispatchers: [{name: a, kind: " + kind + ", window: 64}]");
  };
  EXPECT_EQ(problem("http"),
            "smsd.yaml:1:37: dispatchers[0].window: is set, expected none with kind http: set `window`, at "
            "most 256, in "
            "the dispatcher's own file\n");
  EXPECT_NE(problem("gammu").find("window: is set, expected none: kind gammu sends one SMS at a time"),
            std::string::npos);
  for (const char* kind : {"soap", "mail", "command", "debug"})
    EXPECT_NE(problem(kind).find("window: is set, expected none"), std::string::npos) << kind;
}

}  // namespace
}  // namespace smsd::config
