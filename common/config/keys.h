// SPDX-License-Identifier: GPL-3.0-or-later
// Configuration keys. Each key is declared once; reading, checking and explaining it all follow from that
// declaration.
//
// Owns the reading of a YAML text against declared keys. Called by the supervisor for smsd.yaml and by each
// worker for its dispatcher's file. Opens only the files that a `*_file` key names. Never stops at the first
// problem: it collects all of them, each with file:line:column and the expected form. A problem quotes no
// value, and quotes a key only if it is close to a declared one, unless the caller declares that the file
// holds no secrets (Quoting::harmless).
//
//   keys.duration("queue.poll_interval", config.queue.pollInterval, {1s, 1h}, "how often ...");
//
// The default is the value of the target when the key is declared. A dot descends into a map.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "common/config/quoting.h"
#include "common/config/secret.h"

namespace smsd::config {

using Milliseconds = std::chrono::milliseconds;

struct Problem {
  std::string where;  // file:line:column, or file alone
  std::string what;   // the found and the expected form, one line
};
std::string describe(const std::vector<Problem>& problems);  // one line each, "where: what\n"

/// The values that a key takes, for programs that explain them or check a file (a JSON Schema).
struct KeyForm {
  enum class Type {
    text,
    integer,
    number,
    flag,
    duration,
    choice,
    path,
    secretFile,
    list,  // of maps, whose keys follow: dispatchers[].name
    texts,
    integers,
  };
  Type type = Type::text;
  double least = 0, most = 0;                 // of an integer, a number, and in milliseconds of a duration
  std::vector<std::string> words = {};        // of a choice; or the word that a duration may be instead
  std::vector<std::string> formerWords = {};  // of a choice: still read, but no longer advised
};

struct KeyHelp {
  std::string key;           // for a key in a list: dispatchers[].name
  std::string type;          // text, integer 1..8, duration 1s..1h, one of a|b, path, ...
  std::string defaultValue;  // empty if required or without a default
  bool required = false;
  std::string help;
  KeyForm form = {};
  std::string example = {};  // a value as in a file; empty for a list of maps
};

template <typename T>
struct Bound {
  T least, most;
};

enum class Presence { optional, required };

class Keys {
 public:
  explicit Keys(Quoting = Quoting::nothing);
  ~Keys();
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  void text(const std::string& key, std::string& target, const std::string& help,
            Presence = Presence::optional);
  void integer(const std::string& key, int& target, Bound<int> bound, const std::string& help);
  /// The same for a key whose absence matters. `otherwise`: the value that then counts, shown as the default.
  void integer(const std::string& key, std::optional<int>& target, Bound<int> bound, int otherwise,
               const std::string& help);
  /// A list of texts; none of them is empty unless it is quoted.
  void texts(const std::string& key, std::vector<std::string>& target, const std::string& help);
  /// A list of integers.
  void integers(const std::string& key, std::vector<int>& target, Bound<int> bound, const std::string& help);
  void number(const std::string& key, double& target, Bound<double> bound, const std::string& help);
  /// true or false, as in YAML 1.2. Refuses yes, on and 1 with advice, because NAV's smsd silently took some
  /// of these for false.
  void flag(const std::string& key, bool& target, const std::string& help);
  /// 500ms, 30s, 5m, 1h, 2d. Refuses a number without a unit, except 0.
  void duration(const std::string& key, Milliseconds& target, Bound<Milliseconds> bound,
                const std::string& help);
  /// As duration(), or `word` (for example `never`), which empties `target`.
  void durationOr(const std::string& word, const std::string& key, std::optional<Milliseconds>& target,
                  Bound<Milliseconds> bound, const std::string& help);
  /// One of the closed set `words`, stored as text.
  void word(const std::string& key, std::string& target, std::vector<std::string> words,
            const std::string& help, Presence = Presence::optional);
  /// Stores the path as written. The caller decides to which folder a relative path belongs.
  void path(const std::string& key, std::filesystem::path& target, const std::string& help,
            Presence = Presence::optional);
  /// The first line of a file. The file has to exist, be readable, and be closed to all but its owner and
  /// group. A relative path is relative to fileFolder(). A problem never quotes the file's content, nor the
  /// name of a missing file, because that name may be the secret itself.
  void secretFile(const std::string& key, Secret& target, const std::string& help,
                  Presence = Presence::optional);

  /// `former`: further words that are read, because they were the words of an older version.
  template <typename E>
  requires std::is_enum_v<E>
  void choice(const std::string& key, E& target, std::vector<std::pair<std::string, E>> words,
              const std::string& help, Presence presence = Presence::optional,
              std::vector<std::pair<std::string, E>> former = {}) {
    std::vector<std::string> names, formerNames;
    std::string current;
    for (auto& [word, value] : words) {
      names.push_back(word);
      if (value == target && current.empty()) current = word;  // the first of several words for one value
    }
    for (auto& [word, value] : former) formerNames.push_back(word);
    words.insert(words.end(), former.begin(), former.end());
    choiceOf(key, {std::move(names), std::move(formerNames)}, presence == Presence::required ? "" : current,
             help, presence, [&target, words = std::move(words)](const std::string& word) {
               for (auto& [name, value] : words)
                 if (name == word) target = value;
             });
  }

  /// A list of maps. `declare` declares the keys of one element.
  template <typename T>
  void list(const std::string& key, std::vector<T>& target, std::function<void(Keys&, T&)> declare,
            const std::string& help, Presence presence = Presence::optional) {
    listOf(
        key, help, presence,
        [&target] {
          target.emplace_back();
          return target.size() - 1;
        },
        [&target, declare](Keys& keys, std::size_t at) { declare(keys, target[at]); },
        [declare](Keys& keys) {
          auto sample = std::make_shared<T>();
          declare(keys, *sample);
          return std::shared_ptr<void>(sample);
        });
  }

  /// Sets the example of a declared key: a value as in a file. A key without one has an example of its type.
  void example(const std::string& key, const std::string& value);

  /// A rule over several keys. A problem is reported at the key `at`. The rule does not run if its section
  /// (the part of `at` before the first dot) has another problem already.
  void rule(const std::string& at, std::function<std::optional<std::string>()> problem);

  /// Reads the text and sets the targets of the keys in it. Returns no problem if all is well. Relative paths
  /// in the text are relative to `files` or, if that is empty, to the folder of `name`.
  std::vector<Problem> read(std::string_view yaml, const std::string& name,
                            const std::filesystem::path& files = {});
  /// For a check by a user other than the later user of the file: a named file that is missing or closed to
  /// this user is then no problem, and its key is added to `unread`. Call it before read().
  void tolerateUnread(std::vector<std::string>& unread);
  /// Call it if the file that `key` names cannot be read. Returns true, and adds the key to `unread`, if
  /// tolerateUnread() makes that no problem.
  bool tolerates(const std::string& key);
  /// The folder to which the relative paths in the text belong.
  std::filesystem::path fileFolder() const;
  std::vector<KeyHelp> explain() const;
  /// Returns the keys with their defaults, without those of the elements of lists.
  std::vector<std::pair<std::string, std::string>> defaults() const;
  /// Returns file:line:column of a key (`dispatchers[1].name`), or of the nearest present key above it. Call
  /// it after read().
  std::string where(const std::string& key) const;

 private:
  struct Impl;
  struct Words {
    std::vector<std::string> words, former;
  };
  void choiceOf(const std::string& key, Words words, const std::string& current, const std::string& help,
                Presence presence, std::function<void(const std::string&)> set);
  void listOf(const std::string& key, const std::string& help, Presence presence,
              std::function<std::size_t()> append, std::function<void(Keys&, std::size_t)> declare,
              std::function<std::shared_ptr<void>(Keys&)> sample);
  std::unique_ptr<Impl> impl_;
};

/// Parses "30s". Returns nullopt for anything else, also for "1h30m".
std::optional<Milliseconds> parseDuration(std::string_view text);
std::string printDuration(Milliseconds value);
/// A readable duration in at most two units, rounded up: "3h 51m", "2d 4h", "45s".
std::string roughly(Milliseconds value);

}  // namespace smsd::config
