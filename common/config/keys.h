// Configuration keys: each is declared once, and what reads, checks and explains them comes from that
// declaration.
//
// Owns the reading of a YAML text against declared keys. Called by the supervisor for smsd.yaml and by each
// worker for its dispatcher's file. Opens no file but those a `*_file` key names. Never stops at the first
// problem: all of them are collected, each with file:line:column and what was expected there. A problem
// quotes no value, and no key that is not nearly one of those declared, unless the caller says that the file
// holds no secrets.
//
//   keys.duration("queue.poll_interval", config.queue.pollInterval, {1s, 1h}, "how often ...");
//
// The default is what the target holds when the key is declared. A dot descends into a map.
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
  std::string what;   // what was found and what was expected, one line
};
std::string describe(const std::vector<Problem>& problems);  // one line each, "where: what\n"

struct Explained {
  std::string key;           // dispatchers[].name for a key in a list
  std::string type;          // text, integer 1..8, duration 1s..1h, one of a|b, path, ...
  std::string defaultValue;  // empty: required, or no default
  bool required = false;
  std::string help;
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
  void number(const std::string& key, double& target, Bound<double> bound, const std::string& help);
  /// true or false, as YAML 1.2 has them; yes, on and 1 are refused with a word on what to write (wart C11)
  void flag(const std::string& key, bool& target, const std::string& help);
  /// 500ms, 30s, 5m, 1h, 2d; a bare number is refused, except 0
  void duration(const std::string& key, Milliseconds& target, Bound<Milliseconds> bound,
                const std::string& help);
  /// the same, or a word (`never`) for none
  void durationOr(const std::string& word, const std::string& key, std::optional<Milliseconds>& target,
                  Bound<Milliseconds> bound, const std::string& help);
  /// One of a closed set of words that is kept as the word it is.
  void word(const std::string& key, std::string& target, std::vector<std::string> words,
            const std::string& help, Presence = Presence::optional);
  /// Left as it is written: what a relative one is relative to is for the caller to say.
  void path(const std::string& key, std::filesystem::path& target, const std::string& help,
            Presence = Presence::optional);
  /// The first line of a file; the file has to be there and readable, and not open to others than its owner
  /// and group. A relative path is relative to fileFolder(). No problem ever holds what is
  /// in the file, nor the name of a file that is not there (it may be the secret itself).
  void secretFile(const std::string& key, Secret& target, const std::string& help,
                  Presence = Presence::optional);

  template <typename E>
  requires std::is_enum_v<E>
  void choice(const std::string& key, E& target, std::vector<std::pair<std::string, E>> words,
              const std::string& help, Presence presence = Presence::optional) {
    std::vector<std::string> names;
    std::string current;
    for (auto& [word, value] : words) {
      names.push_back(word);
      if (value == target && current.empty()) current = word;  // of several words for one value the first
    }
    choiceOf(key, std::move(names), presence == Presence::required ? "" : current, help, presence,
             [&target, words = std::move(words)](const std::string& word) {
               for (auto& [name, value] : words)
                 if (name == word) target = value;
             });
  }

  /// A list of maps, each read by the keys that `declare` declares for one element.
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

  /// A rule over several keys. `at` is the key it is reported at; the rule is not asked when something else
  /// was wrong in the same section (the part of `at` before its first dot).
  void rule(const std::string& at, std::function<std::optional<std::string>()> problem);

  /// Reads the text; the targets of keys that are there are set. Empty: all is well. What a
  /// file names by a relative path is in `files`; where that is empty, in the folder of `name`.
  std::vector<Problem> read(std::string_view yaml, const std::string& name,
                            const std::filesystem::path& files = {});
  /// Before read, for a check by another user than the one who will use the file: a named file that is
  /// missing or closed to this user is no problem, and its key is added to `unread`.
  void tolerateUnread(std::vector<std::string>& unread);
  /// A file that `key` names cannot be read. True: that is no problem, and was noted.
  bool tolerates(const std::string& key);
  /// The folder of the relative paths that a file names.
  std::filesystem::path fileFolder() const;
  std::vector<Explained> explain() const;
  /// After read: file:line:column of a key (`dispatchers[1].name`), or of the nearest one above it that is
  /// there.
  std::string where(const std::string& key) const;

 private:
  struct Impl;
  void choiceOf(const std::string& key, std::vector<std::string> words, const std::string& current,
                const std::string& help, Presence presence, std::function<void(const std::string&)> set);
  void listOf(const std::string& key, const std::string& help, Presence presence,
              std::function<std::size_t()> append, std::function<void(Keys&, std::size_t)> declare,
              std::function<std::shared_ptr<void>(Keys&)> sample);
  std::unique_ptr<Impl> impl_;
};

/// "30s", "1h30m" is not a form; nullopt: not a duration.
std::optional<Milliseconds> parseDuration(std::string_view text);
std::string printDuration(Milliseconds value);
/// As people say it, never too short: "3h 51min", "2d 4h", "45s".
std::string roughly(Milliseconds value);

}  // namespace smsd::config
