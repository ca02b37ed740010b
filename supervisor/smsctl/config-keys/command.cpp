// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/config-keys/command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sysexits.h>

#include <algorithm>

#include "common/config/values.h"
#include "common/io/output.h"
#include "common/text/utf.h"
#include "supervisor/config/kinds.h"
#include "supervisor/smsctl/config-keys/key-schema.h"
#include "supervisor/smsctl/config-keys/key-text.h"
#include "supervisor/smsctl/config-keys/worker-keys.h"
#include "supervisor/smsctl/json.h"

namespace smsd::smsctl {
namespace {

/// Returns the configuration as far as it can be read: the operator may ask because it has an error.
config::ConfigRead readAsFarAsPossible(const std::string& file) {
  return config::readConfig(file, config::Reach::valuesOnly);
}

/// A built-in kind does not depend on smsd.yaml, so that the installed schemas do not.
config::DispatcherConfig dispatcherOfKind(const config::ConfigRead& read, const std::string& kind) {
  const auto all = dispatchersOfAllKinds(read.config);
  const auto found = std::find_if(all.begin(), all.end(), [&](auto& one) { return one.kind == kind; });
  if (found != all.end()) return *found;
  std::vector<std::string> names;
  names.reserve(all.size());
  for (const auto& one : all) names.push_back(one.kind);
  const auto near = config::closest(kind, names);
  std::string why = near ? fmt::format("did you mean {}?", *near)
                         : fmt::format("expected one of {}", fmt::join(names, ", "));
  // A kind of one's own is known from smsd.yaml only.
  if (!read.problems.empty()) why += "\n" + config::describe(read.problems);
  throw CommandError(1, fmt::format("there is no kind '{}': {}", text::printable(kind, 40), why));
}

KeyFile fileOfKind(const std::string& configFile, const std::string& kind) {
  if (kind == KeyFile::groups) return groupsFile();
  const config::ConfigRead read =
      config::isBuiltIn(kind) ? config::ConfigRead() : readAsFarAsPossible(configFile);
  KeyFile file = askWorkers(read.config, {dispatcherOfKind(read, kind)}).front();
  if (!file.problem.empty())
    throw CommandError(EX_UNAVAILABLE,
                       fmt::format("the keys of kind {} are not known: {}", kind, file.problem));
  return file;
}

std::vector<KeyFile> filesFor(const ExplainArguments& arguments) {
  if (!arguments.kind.empty()) return {fileOfKind(arguments.config, arguments.kind)};
  std::vector<KeyFile> files = {mainFile(), groupsFile()};
  const config::Config config = readAsFarAsPossible(arguments.config).config;
  for (KeyFile& file : askWorkers(config, dispatchersOfAllKinds(config))) files.push_back(std::move(file));
  return files;
}

void noteUnknown(const std::vector<KeyFile>& files) {
  std::vector<std::string> missing;
  for (const auto& file : files) {
    if (!file.installed)
      missing.push_back(file.kind);
    else if (!file.problem.empty())
      io::complain(fmt::format("smsctl: the keys of kind {} are not known: {}\n", file.kind, file.problem));
  }
  if (!missing.empty())
    io::complain(fmt::format("smsctl: kinds that are not installed here (packages smsd-KIND): {}\n",
                             fmt::join(missing, ", ")));
}

std::vector<FoundKey> allKeys(const std::vector<KeyFile>& files) {
  std::vector<FoundKey> all;
  for (const auto& file : files)
    for (const auto& key : file.keys) all.push_back({&file, &key});
  return all;
}

std::string noSuchKey(const std::vector<KeyFile>& files, const std::string& name) {
  const auto near = nearKeys(files, name);
  return fmt::format("there is no key '{}': {}", text::printable(name, 60),
                     near.empty() ? "`smsctl config explain` lists all keys"
                                  : fmt::format("did you mean {}?", fmt::join(near, " or ")));
}

/// A section has many keys, and a list its elements' keys: these are listed.
std::string textOf(const std::vector<KeyFile>& files, const std::vector<FoundKey>& found,
                   const std::string& name) {
  const auto isInSection = [&](const FoundKey& one) {
    return typedName(one.key->key).starts_with(typedName(name) + ".");
  };
  if (std::all_of(found.begin(), found.end(), isInSection)) return listed(found);
  std::string text;
  for (const FoundKey& one : found) {
    text += (text.empty() ? "" : "\n") + explained(one);
    std::vector<FoundKey> inner;
    for (const FoundKey& other : allKeys(files))
      if (other.file == one.file && other.key->key.starts_with(one.key->key + "[].")) inner.push_back(other);
    if (!inner.empty()) text += "\n" + listed(inner);
  }
  return text;
}

}  // namespace

int explainKeys(const ExplainArguments& arguments, Form form) {
  const auto files = filesFor(arguments);
  const auto found = arguments.key.empty() ? allKeys(files) : findKeys(files, arguments.key);
  if (arguments.key.empty() || found.empty()) noteUnknown(files);
  if (found.empty()) throw CommandError(1, noSuchKey(files, arguments.key));
  if (form == Form::json)
    io::print(dump(explainedJson(found)));
  else
    io::print(arguments.key.empty() ? listed(found) : textOf(files, found, arguments.key));
  return EX_OK;
}

int printSchema(const std::string& config, const std::string& kind) {
  io::print(dump(schemaOf(kind.empty() ? mainFile() : fileOfKind(config, kind))));
  return EX_OK;
}

std::vector<std::string> namesOfKeys(const std::string& config, const std::string& kind) {
  const auto files = filesFor({config, "", kind});
  std::vector<std::string> names;
  for (const auto& [file, key] : allKeys(files)) names.push_back(typedName(key->key));
  return names;
}

std::vector<std::string> namesOfKinds(const std::string& config) {
  std::vector<std::string> names;
  for (const auto& dispatcher : dispatchersOfAllKinds(readAsFarAsPossible(config).config))
    names.push_back(dispatcher.kind);
  return names;
}

}  // namespace smsd::smsctl
