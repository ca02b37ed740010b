// SPDX-License-Identifier: GPL-3.0-or-later
// Queues in shared objects: what smsd loads, what it refuses and in which words, and that values and
// exceptions cross the boundary.
#include "supervisor/queue/loaded-queue.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>

#include "supervisor/queue/object-trial.h"

namespace smsd::queue {
namespace {

namespace fs = std::filesystem;
using Kind = QueueError::Kind;

LoadedQueue toy(const std::string& name = "toy", const std::string& connection = "text") {
  return {SMSD_TEST_QUEUES, name, connection};
}

/// The kind of the error that `call` throws, and its words.
template <typename Call>
std::pair<std::optional<Kind>, std::string> refusalOf(Call&& call) {
  try {
    call();
  } catch (const QueueError& error) {
    return {error.kind(), error.what()};
  }
  return {std::nullopt, ""};
}

/// Expects that the object is refused at the start, with its file and all of `words` in the text.
void expectRefused(const LoadedQueue& which, const std::vector<std::string>& words) {
  const auto [kind, what] = refusalOf([&] { checkLoaded(which); });
  EXPECT_EQ(kind, Kind::notInstalled);
  EXPECT_NE(what.find("smsd-queue-" + which.name + ".so: "), std::string::npos) << what;
  EXPECT_EQ(what.find('\n'), std::string::npos) << what;
  for (const auto& word : words) EXPECT_NE(what.find(word), std::string::npos) << word << " in: " << what;
}

/// A folder with a copy of the toy.
class CopiedToy {
 public:
  CopiedToy() {
    std::string pattern = (fs::temp_directory_path() / "smsd-toy-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder = pattern;
    fs::copy_file(fs::path(SMSD_TEST_QUEUES) / "smsd-queue-toy.so", file());
    chmod(file().c_str(), 0644);
  }
  ~CopiedToy() {
    std::error_code ignored;
    fs::remove_all(folder, ignored);
  }
  fs::path file() const { return folder / "smsd-queue-toy.so"; }
  LoadedQueue which() const { return {folder, "toy", ""}; }

  fs::path folder;
};

TEST(LoadedQueues, AQueueGetsItsConnectionAsItIsAndIsCalledAsAnyOther) {
  auto queue = openLoaded(toy("toy", " a text {with} 'all' "));
  EXPECT_EQ(queue->recipients(SentStatus::unsent), std::vector<std::string>{" a text {with} 'all' "});
  ClaimRequest request;
  request.format = [](const std::vector<format::Message>& messages) {
    format::FormattedSms sms;
    sms.text = messages.at(0).text + "!";
    return sms;
  };
  EXPECT_EQ(queue->claim(request).submissions.at(0).sms.text, " a text {with} 'all' !");
  EXPECT_EQ(queue->ringBell(), std::nullopt) << "the default of the base class";
}

TEST(LoadedQueues, AnErrorOfTheObjectIsCaughtAsWhatItIs) {
  auto queue = openLoaded(toy());
  const auto [kind, what] = refusalOf([&] { queue->renew(); });
  EXPECT_EQ(kind, Kind::fenced);
  EXPECT_EQ(what, "fenced by the toy");
  EXPECT_EQ(refusalOf([] { openLoaded(toy("toy", "refused")); }).first, Kind::denied);
}

TEST(LoadedQueues, AnythingElseThatItThrowsIsAnErrorOfTheQueueInWordsOfSmsd) {
  auto queue = openLoaded(toy());
  const auto expectFailed = [](const auto& refusal, const std::vector<std::string>& words) {
    EXPECT_EQ(refusal.first, Kind::failed);
    EXPECT_EQ(refusal.second.find("hunter2"), std::string::npos) << refusal.second;
    for (const auto& word : words)
      EXPECT_NE(refusal.second.find(word), std::string::npos) << word << " in: " << refusal.second;
  };
  expectFailed(refusalOf([&] { queue->takeOver(); }), {"queue toy", "takeOver()", "std::runtime_error"});
  expectFailed(refusalOf([&] { queue->held(1); }), {"queue toy", "held()", "smsd-queue-toy.so"});
  expectFailed(refusalOf([] { openLoaded(toy("toy", "a number")); }), {"queue toy", "open()"});
  InstallOptions options;
  expectFailed(refusalOf([&] { installLoaded(toy("toy", "a number"), options); }),
               {"queue toy", "install()"});
}

TEST(LoadedQueues, TheTextOfAnErrorIsOnePrintableLine) {
  auto queue = openLoaded(toy());
  const auto [kind, what] = refusalOf([&] { queue->release(1); });
  EXPECT_EQ(kind, Kind::busy);
  EXPECT_TRUE(what.starts_with("two lines ?[31mxxx")) << what;
  EXPECT_LE(what.size(), 1000U);
}

/// The functions in `file` of supervisor/queue that `declaration` finds.
std::set<std::string> functionsIn(const std::string& file, const char* declaration) {
  std::stringstream text;
  text << std::ifstream(SMSD_QUEUE_SOURCES "/" + file).rdbuf();
  const std::string source = text.str();
  const std::regex found(declaration);
  std::set<std::string> names;
  for (std::sregex_iterator at(source.begin(), source.end(), found), end; at != end; ++at)
    names.insert((*at)[1]);
  return names;
}

// A call that has a default in Queue would otherwise reach the default, and not the object.
TEST(LoadedQueues, AreGuardedInEachCall) {
  const auto all = functionsIn("queue.h", R"(virtual [^~;{]*?(\w+)\()");
  EXPECT_GT(all.size(), 20U);
  EXPECT_EQ(functionsIn("guarded-queue.cpp", R"((\w+)\([^)]*\)(?: const)? override)"), all);
}

TEST(LoadedQueues, AnErrorOutlivesTheQueueThatThrewIt) {
  std::exception_ptr kept;
  try {
    openLoaded(toy())->renew();
  } catch (...) {
    kept = std::current_exception();
  }
  EXPECT_EQ(refusalOf([&] { std::rethrow_exception(kept); }).first, Kind::fenced);
}

TEST(LoadedQueues, AMissingOneIsRefusedWithItsPathAndWhatToDo) {
  expectRefused(toy("missing"),
                {SMSD_TEST_QUEUES, "No such file", "queue.directory", "queue.backend is missing"});
}

TEST(LoadedQueues, AFileThatIsNoObjectIsRefused) {
  const CopiedToy copy;
  std::ofstream(copy.file()) << "no object";
  expectRefused(copy.which(), {"cannot be loaded"});
}

TEST(LoadedQueues, ATruncatedObjectIsRefusedAndDoesNotEndTheProcess) {
  const CopiedToy copy;
  fs::resize_file(copy.file(), 3000);
  expectRefused(copy.which(), {"cannot be loaded", "damaged"});
}

TEST(LoadedQueues, AnObjectWhoseCodeEndsTheProcessThatLoadsItIsRefused) {
  expectRefused(toy("toy-throws"), {"cannot be loaded", "ends by SIGABRT", "its code is wrong"});
  expectRefused(toy("toy-exits"), {"cannot be loaded", "its code ends a program"});
}

TEST(LoadedQueues, TheLoadersReasonIsToldInWordsOfSmsd) {
  EXPECT_EQ(reasonNotLoaded("/q/smsd-queue-a.so: undefined symbol: _Z3foov"),
            "it needs the symbol _Z3foov, which no library here has");
  EXPECT_EQ(reasonNotLoaded("libpqxx-6.4.so: cannot open shared object file: No such file or directory"),
            "the library libpqxx-6.4.so cannot be opened");
  EXPECT_EQ(reasonNotLoaded("/lib/libc.so.6: version `GLIBC_2.99' not found (required by /q/a.so)"),
            "it needs another version of a library");
  for (const char* other : {"/q/a.so: invalid ELF header", "", static_cast<const char*>(nullptr)})
    EXPECT_EQ(reasonNotLoaded(other), "it is damaged, or no shared object for this system");
}

TEST(LoadedQueues, AnObjectOfAnotherVersionIsRefusedAndNotCalled) {
  expectRefused(toy("toy-api"), {"source API", "version 2", "version 1"});
  expectRefused(toy("toy-interface"), {"headers of another day", "build it again", "smsd-dev"});
  expectRefused(toy("toy-symbol"), {"exports no smsd_queue"});
}

TEST(LoadedQueues, AnObjectThatAnotherUserCouldChangeIsRefused) {
  const CopiedToy copy;
  EXPECT_EQ(refusalOf([&] { checkLoaded(copy.which()); }).first, std::nullopt);
  for (const mode_t mode : {0666, 0664}) {
    chmod(copy.file().c_str(), mode);
    expectRefused(copy.which(), {"because it can be written by other users", "chmod go-w"});
  }
  chmod(copy.file().c_str(), 0644);
  chmod(copy.folder.c_str(), 0777);
  expectRefused(copy.which(), {copy.folder.string() + " can be written by other users"});
  chmod(copy.folder.c_str(), 0755);
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(chown(copy.file().c_str(), 12345, 0), 0);
  expectRefused(copy.which(), {"belongs to the user 12345"});
}

TEST(LoadedQueues, ALinkThatAnotherUserCouldReplaceIsRefused) {
  const CopiedToy copy, links;
  fs::remove(links.file());
  fs::create_symlink(copy.file(), links.file());
  EXPECT_EQ(refusalOf([&] { checkLoaded(links.which()); }).first, std::nullopt);
  chmod(links.folder.c_str(), 0777);
  expectRefused(links.which(), {links.folder.string() + " can be written by other users"});
  chmod(links.folder.c_str(), 0755);
  chmod(copy.folder.c_str(), 0777);
  expectRefused(links.which(), {copy.folder.string() + " can be written by other users"});
}

TEST(LoadedQueues, AnObjectThatOpensNothingIsRefused) {
  const auto [kind, what] = refusalOf([] { openLoaded(toy("toy", "nothing")); });
  EXPECT_EQ(kind, Kind::notInstalled);
  EXPECT_NE(what.find("returned no queue"), std::string::npos) << what;
}

TEST(LoadedQueues, AnObjectInstallsWhatItNeedsOrSaysThatItHasNothing) {
  InstallOptions options;
  options.role = "smsd";
  const auto report = installLoaded(toy("toy", "here"), options);
  EXPECT_EQ(report.done, std::vector<std::string>{"the toy here"});
  EXPECT_EQ(report.granted, "smsd");
  const auto [kind, what] = refusalOf([&] { installLoaded(toy("toy-bare"), options); });
  EXPECT_EQ(kind, Kind::notInstalled);
  EXPECT_NE(what.find("toy-bare has nothing"), std::string::npos) << what;
}

}  // namespace
}  // namespace smsd::queue
