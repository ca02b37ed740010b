// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/config-install.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <kj/async-io.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include "common/io/output.h"
#include "common/text/utf.h"
#include "supervisor/smsctl/json.h"
#include "supervisor/smsctl/placing.h"
#include "supervisor/smsctl/run-apart.h"
#include "supervisor/startup/start-up.h"

namespace smsd::smsctl {
namespace {

namespace fs = std::filesystem;

struct Given {
  fs::path from;  // as the operator wrote it
  std::string content;
  FilePlace to;
  Placing state = Placing::missing;
};

std::vector<Given> readAll(const InstallArguments& arguments, const fs::path& folder) {
  std::vector<Given> given;
  std::set<fs::path> targets;
  for (const auto& file : arguments.files) {
    const std::string name = fs::path(file).filename();
    if (name.empty() || name.starts_with('.'))
      throw CommandError(EX_USAGE, fmt::format("{}: expected the name of a file", file));
    if (name == "smsd.yml")
      throw CommandError(EX_USAGE, fmt::format("{}: smsd reads smsd.yaml, not smsd.yml: rename it", file));
    Given one{file, readWhole(file), placeOf(name, folder)};
    if (!targets.insert(one.to.path).second)
      throw CommandError(EX_USAGE, fmt::format("{}: a second file for {}", file, one.to.path.string()));
    if (one.content.empty()) throw CommandError(EX_DATAERR, fmt::format("{}: is empty", file));
    given.push_back(std::move(one));
  }
  return given;
}

bool isRoot() { return geteuid() == 0; }

/// A folder below /run, if it can be there, which is removed with what is in it. If root calls, its files
/// have the owners and modes that they have in their places, because smsd checks them.
class StagingFolder {
 public:
  explicit StagingFolder(const std::string& base) {
    std::string pattern = base + "/smsctl-XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr)
      throw CommandError(EX_CANTCREAT, fmt::format("{}: {}", base, strerror(errno)));
    path_ = pattern;
    fs::create_directory(path_ / "dispatchers");
    if (!isRoot()) return;
    try {
      shareWithSmsd(path_);
      shareWithSmsd(path_ / "dispatchers");
    } catch (const CommandError&) {
      remove();
      throw;
    }
  }
  ~StagingFolder() { remove(); }
  StagingFolder(const StagingFolder&) = delete;
  StagingFolder& operator=(const StagingFolder&) = delete;
  const fs::path& path() const { return path_; }

  void add(const FilePlace& place, const std::string& content) const {
    if (isRoot()) return put(place, content);
    std::ofstream(place.path, std::ios::binary) << content;
    chmod(place.path.c_str(), 0600);
  }
  /// Copies the files that are in place already, as far as they can be read.
  void copyInstalled(const fs::path& from, const fs::path& to) const {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(from, error)) {
      if (!entry.is_regular_file(error) || entry.is_symlink(error)) continue;
      try {
        const fs::path target = to / entry.path().filename();
        if (isRoot())
          writeLike(entry.path(), target, readWhole(entry.path()));
        else
          add({target}, readWhole(entry.path()));
      } catch (const CommandError&) {
        continue;
      }
    }
  }

 private:
  void remove() const {
    std::error_code error;
    fs::remove_all(path_, error);
  }

  fs::path path_;
};

void replaceAll(std::string& text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

/// What the check of the staged files said: mistakes in the given files, and the rest.
struct CheckResult {
  std::string mistakes, remarks;
};

class Checker {
 public:
  Checker(const std::vector<Given>& given, const fs::path& folder)
      : given_(given), folder_(folder), stage_(access("/run", W_OK) == 0 ? "/run" : "/tmp") {
    stage_.copyInstalled(folder, stage_.path());
    stage_.copyInstalled(folder / "dispatchers", stage_.path() / "dispatchers");
    for (const auto& one : given) stage_.add({staged(one), one.to.owner}, one.content);
  }

  /// Checks as the user smsd if root calls, because smsd.yaml may name any program as a worker.
  CheckResult check() {
    const auto result = nlohmann::json::parse(runApart(signals_, isRoot() ? "smsd" : "", [this]() {
      checkHere();
      return dump({{"mistakes", checked_.mistakes}, {"remarks", checked_.remarks}});
    }));
    return {result.at("mistakes"), result.at("remarks")};
  }

 private:
  void checkHere() {
    if (!isThere(stage_.path() / "smsd.yaml")) {
      remark("smsd.yaml: there is none yet, so the files of dispatchers were not checked");
      return;
    }
    auto read = config::readConfig(stage_.path() / "smsd.yaml", config::Reach::dispatcherFiles);
    for (auto& dispatcher : read.config.dispatchers) useStaged(dispatcher.config, read.problems);
    useStaged(read.config.adminMail.worker.config, read.problems);
    for (const auto& problem : read.problems) sort(config::describe({problem}));
    for (const auto& one : given_)
      if (isDispatcherFile(one) && !isListed(read.config, one))
        remark(fmt::format("{}: was not checked, because smsd.yaml names no such file of a dispatcher",
                           one.from.string()));
    if (read.problems.empty()) checkDispatchers(read.config);
  }
  fs::path staged(const Given& one) const { return stage_.path() / one.to.path.lexically_relative(folder_); }
  static bool isDispatcherFile(const Given& one) {
    const fs::path ending = one.to.path.extension();
    return one.to.path.parent_path().filename() == "dispatchers" && (ending == ".yaml" || ending == ".yml");
  }
  bool isListed(const config::Config& config, const Given& one) const {
    const fs::path file = staged(one);
    return std::ranges::any_of(config.dispatchers, [&](const auto& d) { return d.config == file; }) ||
           config.adminMail.worker.config == file;
  }
  /// smsd.yaml may name a file by the absolute path of its place, where it is not yet.
  void useStaged(fs::path& file, std::vector<config::Problem>& problems) const {
    const fs::path within = file.lexically_normal().lexically_relative(folder_);
    if (within.empty() || *within.begin() == ".." || !isThere(stage_.path() / within)) return;
    std::erase_if(problems, [&](const auto& problem) { return problem.where == file.string(); });
    file = stage_.path() / within;
  }
  void remark(const std::string& line) { checked_.remarks += line + "\n"; }

  void checkDispatchers(const config::Config& config) {
    try {
      auto io = kj::setupAsyncIo();
      sort(startup::checkAll(io, config), Says::remarks);
    } catch (const startup::StartUpError& e) {
      sort(e.what());
    }
  }

  enum class Says { mistakes, remarks };
  /// A mistake in a file that is not given is a remark, because it was there before.
  void sort(const std::string& lines, Says says = Says::mistakes) {
    std::istringstream stream(lines);
    for (std::string line; std::getline(stream, line);) {
      bool ours = false;
      for (const auto& one : given_) {
        ours = ours || line.find(staged(one).string()) != std::string::npos;
        replaceAll(line, staged(one).string(), one.from.string());
      }
      replaceAll(line, stage_.path().string(), folder_.string());
      (ours && says == Says::mistakes ? checked_.mistakes : checked_.remarks) += line + "\n";
    }
  }

  const std::vector<Given>& given_;
  fs::path folder_;
  HeldSignals signals_;  // before the folder, which is removed before a signal takes effect
  StagingFolder stage_;
  CheckResult checked_;
};

const char* did(Placing state, InstallArguments::Mode mode) {
  const bool dry = mode == InstallArguments::Mode::dryRun;
  switch (state) {
    case Placing::missing:
      return dry ? "would install" : "installed";
    case Placing::differs:
      return dry ? "would replace" : "replaced";
    case Placing::wrongOwner:
      return dry ? "would change the owner and mode of" : "changed the owner and mode of";
    case Placing::inPlace:
      return "unchanged:";
  }
  return "";
}

void print(const std::vector<Given>& given, const std::string& remarks, const InstallArguments& arguments,
           Form form) {
  if (form == Form::json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const auto& one : given)
      list.push_back({{"file", one.to.path.string()},
                      {"owner", describe(one.to.owner)},
                      {"done", did(one.state, arguments.mode)}});
    io::print(dump({{"files", list}, {"remarks", remarks}}));
    return;
  }
  io::print(remarks);
  for (const auto& one : given)
    io::print(fmt::format("{} {} ({})\n", did(one.state, arguments.mode),
                          text::printable(one.to.path.string()), describe(one.to.owner)));
}

}  // namespace

int installConfig(const InstallArguments& arguments, Form form) {
  const bool forReal = arguments.mode == InstallArguments::Mode::install;
  if (forReal && geteuid() != 0)
    throw CommandError(EX_NOPERM,
                       "config install: only root can give files to root and the group smsd; --dry-run shows "
                       "what it would do");
  const fs::path folder = fs::absolute(arguments.config).lexically_normal().parent_path();
  auto given = readAll(arguments, folder);
  const CheckResult checked = Checker(given, folder).check();
  if (!checked.mistakes.empty()) throw CommandError(EX_CONFIG, checked.mistakes + "nothing was installed\n");
  for (auto& one : given) one.state = look(one.to, one.content);
  // smsd.yaml last: it names files that have to be there.
  std::ranges::stable_sort(given, {}, [](const Given& one) { return one.to.path.filename() == "smsd.yaml"; });
  std::vector<FileToPut> changed;
  for (const auto& one : given)
    if (one.state != Placing::inPlace) changed.push_back({one.to, one.content});
  forReal ? putAll(changed) : refuseLinks(changed);
  print(given, checked.remarks, arguments, form);
  return EX_OK;
}

}  // namespace smsd::smsctl
