// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/new-project/new-project.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sysexits.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <sstream>

#include "supervisor/config/kinds.h"

namespace {

using namespace smsd;
using namespace smsd::smsctl;

std::vector<std::string> pathsOf(const std::vector<NewFile>& files) {
  std::vector<std::string> paths;
  for (const auto& file : files) paths.push_back(file.path.string());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string contentOf(const std::vector<NewFile>& files, const std::string& path) {
  for (const auto& file : files)
    if (file.path == path) return file.content;
  ADD_FAILURE() << "there is no " << path;
  return {};
}

bool holds(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

const Openings everything = {.network = Opening::open, .state = Opening::open, .device = "/dev/ttyUSB0"};

TEST(NewProject, HasNothingLeftToFillIn) {
  for (const auto language : {Language::cplusplus, Language::python, Language::shell})
    for (const auto& openings : {Openings{}, everything})
      for (const auto& file :
           projectFiles({.name = "pager", .language = language, .openings = openings, .output = {}})) {
        EXPECT_FALSE(holds(file.content, "@SMSD_")) << file.path;
        EXPECT_FALSE(file.content.empty()) << file.path;
      }
}

TEST(NewProject, InCplusplusHasProgramUnitsTestAndReadme) {
  const auto files =
      projectFiles({.name = "pager", .language = Language::cplusplus, .openings = everything, .output = {}});
  const auto paths = pathsOf(files);
  for (const char* path :
       {"CMakeLists.txt", "README.md", "pager.cpp", "pager.yaml", "units/smsd-pager@.service",
        "units/smsd-pager@.socket", "units/smsd-pager@.service.d/device.conf",
        "units/smsd-pager@.service.d/network.conf", "units/smsd-pager@.service.d/state.conf"})
    EXPECT_TRUE(std::find(paths.begin(), paths.end(), path) != paths.end()) << path;
  // The commands of the README hold for an installation from packages, too.
  EXPECT_TRUE(holds(contentOf(files, "README.md"), "workers_directory: /usr/local/libexec/smsd\n"));
  EXPECT_TRUE(
      holds(contentOf(files, "CMakeLists.txt"), "add_test(NAME contract COMMAND smsd-dispatcher-check"));
}

TEST(NewProject, OpensForTheLockWhatItOpensForTheUnitAndNothingElse) {
  const auto lockOf = [](const Openings& openings) {
    const auto files =
        projectFiles({.name = "pager", .language = Language::cplusplus, .openings = openings, .output = {}});
    return contentOf(files, "pager.cpp");
  };
  EXPECT_FALSE(holds(lockOf({}), "policy."));
  EXPECT_TRUE(holds(lockOf(everything), "policy.network = smsd::sandbox::Network::outbound;"));
  EXPECT_TRUE(holds(lockOf(everything), "policy.devices = {\"/dev/ttyUSB0\"};"));
}

TEST(NewProject, OfKindCommandIsAProgramThatCanBeExecuted) {
  for (const auto& [language, program] :
       {std::pair(Language::python, "page-me.py"), std::pair(Language::shell, "page-me.sh")}) {
    const auto files =
        projectFiles({.name = "page-me", .language = language, .openings = everything, .output = {}});
    const auto paths = pathsOf(files);
    for (const std::string& path :
         {std::string("README.md"), std::string("check"), std::string("page-me.yaml"), std::string(program),
          std::string("smsd-command@page-me.service.d/network.conf")})
      EXPECT_TRUE(std::find(paths.begin(), paths.end(), path) != paths.end()) << path;
    for (const auto& file : files)
      EXPECT_EQ(file.mode, file.path == program || file.path == "check" ? 0755U : 0644U) << file.path;
    EXPECT_TRUE(contentOf(files, program).starts_with("#!/"));
  }
}

TEST(NewUnit, HasNoDropInThatIsNotRequested) {
  for (const auto& file : unitFiles("pager", {}))
    EXPECT_TRUE(file.path.string() == "smsd-pager@.service" || file.path.string() == "smsd-pager@.socket" ||
                file.path.filename() == "users.conf")
        << file.path;
}

TEST(NewUnit, HasDropInsOfWhichEachNamesWhatItOpens) {
  const auto files = unitFiles("pager", everything);
  for (const auto& [name, words] : {std::pair("network", "the network"), std::pair("device", "/dev/ttyUSB0"),
                                    std::pair("state", "a folder below /var/lib")}) {
    const std::string text = contentOf(files, std::string("smsd-pager@.service.d/") + name + ".conf");
    EXPECT_TRUE(holds(text, std::string("# Opens for the workers of kind pager: ") + words) ||
                holds(text, std::string("# Opens for the workers of kind pager: the device ") + words))
        << text;
  }
}

TEST(NewProject, HasNoNameThatIsNoKind) {
  for (const char* name : {"", "Pager", "9pager", "-pager", "pa ger", "pa/ger", "../pager", "pa@ger",
                           "intake", "control", "exporter", "status"})
    EXPECT_TRUE(problemOf({.name = name, .language = {}, .openings = {}, .output = {}})) << name;
  EXPECT_FALSE(problemOf({.name = "pager-2", .language = {}, .openings = {}, .output = {}}));
}

TEST(NewProject, OfKindCommandHasTheNameOfADispatcherWithASocket) {
  const auto problemOfName = [](const char* name) {
    return problemOf({.name = name, .language = Language::shell, .openings = {}, .output = {}}).value_or("");
  };
  for (const char* name : {"http", "command", "2pager", "abcdefghijklmnopqrstuvwxyz"})
    EXPECT_EQ(problemOfName(name), "") << name;
  for (const char* name : {"", "Pager", "../pager", "control"}) EXPECT_NE(problemOfName(name), "") << name;
  EXPECT_TRUE(holds(problemOfName("abcdefghijklmnopqrstuvwxyz0"), "is too long, expected at most 26"));
}

TEST(NewProject, OfKindCommandKeepsNoFiles) {
  const Openings state{.network = {}, .state = Opening::open, .device = {}};
  for (const auto language : {Language::python, Language::shell})
    EXPECT_TRUE(holds(
        problemOf({.name = "pager", .language = language, .openings = state, .output = {}}).value_or(""),
        "--state: expected it with --language c++ alone"));
  EXPECT_FALSE(problemOf({.name = "pager", .language = {}, .openings = state, .output = {}}));
}

TEST(NewProject, HasNoDeviceThatAUnitCouldReadOtherwise) {
  for (const char* device : {"ttyUSB0", "/dev/", "/dev/a b", "/dev/../etc/shadow", "/dev/%i", "/dev/a\nb",
                             "/etc/shadow", "/dev/a\"b"})
    EXPECT_TRUE(problemOf({.name = "pager", .language = {}, .openings = {.device = device}, .output = {}}))
        << device;
  EXPECT_FALSE(problemOf(
      {.name = "pager", .language = {}, .openings = {.device = "/dev/serial/by-id/a_b-c.0"}, .output = {}}));
}

class NewFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/new-files-XXXXXX";
    folder_ = mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::filesystem::path folder_;
};

TEST_F(NewFilesTest, OverwriteNothingAndLeaveNothingBehindIfOneExists) {
  std::filesystem::create_directories(folder_ / "pager");
  std::ofstream(folder_ / "pager/README.md") << "mine";
  NewArguments arguments{
      .name = "pager", .language = Language::cplusplus, .openings = {}, .output = folder_ / "pager"};
  try {
    newDispatcher(arguments, Form::json);
    ADD_FAILURE() << "it was written";
  } catch (const CommandError& e) {
    EXPECT_EQ(e.status(), EX_CANTCREAT);
    EXPECT_TRUE(holds(e.what(), "README.md: exists already; nothing was written")) << e.what();
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_ / "pager"), {}), 1);
}

TEST_F(NewFilesTest, LeaveNothingBehindIfTheyDoNotFit) {
  const auto before = signal(SIGXFSZ, SIG_IGN);
  rlimit unlimited{};
  getrlimit(RLIMIT_FSIZE, &unlimited);
  const rlimit small{100, unlimited.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(writeAllNew(folder_, {{"a", "fits"}, {"b", std::string(1000, 'x')}}), CommandError);
  setrlimit(RLIMIT_FSIZE, &unlimited);
  signal(SIGXFSZ, before);
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(NewFilesTest, AreNotWrittenForAKindOfSmsdsOwn) {
  for (const auto& kind : config::takenNames()) {
    const NewArguments arguments{
        .name = kind, .language = Language::cplusplus, .openings = {}, .output = folder_};
    for (const auto command : {newDispatcher, newUnit}) try {
        command(arguments, Form::json);
        ADD_FAILURE() << kind << " was written";
      } catch (const CommandError& e) {
        EXPECT_EQ(e.status(), EX_USAGE) << kind;
      }
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

}  // namespace
