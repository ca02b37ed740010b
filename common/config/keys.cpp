// SPDX-License-Identifier: GPL-3.0-or-later
// A declaration becomes a Leaf: its explanation, and a function that takes a node. Reading walks the tree
// once.
#include "common/config/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "common/config/secret-file.h"
#include "common/config/shown.h"
#include "common/config/values.h"
#include "common/config/yaml-tree.h"

namespace smsd::config {
namespace {

struct Finding {
  Place place;
  std::string what;
};

// State shared by the Keys of a file and the Keys of its lists' elements.
struct Reading {
  Quoting quoting = Quoting::nothing;
  std::string name;
  std::filesystem::path files;  // the folder of relative paths; if empty, that of `name`
  std::vector<std::string>* unread = nullptr;
  std::map<std::string, Place> places;  // by full key; the document is ""
  std::set<std::string> spoiled;        // full keys whose value was not taken
  std::vector<Finding> findings;
};

std::string parentOf(const std::string& key) {
  const std::size_t cut = key.find_last_of(".[");
  return cut == std::string::npos ? "" : key.substr(0, cut);
}

std::string lastPart(const std::string& key) {
  const std::size_t dot = key.rfind('.');
  return dot == std::string::npos ? key : key.substr(dot + 1);
}

Place nearestPlace(const Reading& reading, std::string key) {
  for (;;) {
    const auto it = reading.places.find(key);
    if (it != reading.places.end()) return it->second;
    if (key.empty()) return {};
    key = parentOf(key);
  }
}

// True for a spoiled key and all keys below it, because a key that is missing below a value of the wrong type
// is not worth a second problem.
bool isSpoiled(const Reading& reading, std::string key) {
  for (; !key.empty(); key = parentOf(key))
    if (reading.spoiled.contains(key)) return true;
  return false;
}

}  // namespace

struct Keys::Impl {
  struct Leaf {
    Explained said;
    std::function<std::string(const Node&)> take;  // the problem, or empty
    // For a list only:
    std::function<std::size_t()> append;
    std::function<void(Keys&, std::size_t)> declare;
    std::function<std::shared_ptr<void>(Keys&)> sample;
  };
  struct Rule {
    std::string at;
    std::function<std::optional<std::string>()> problem;
  };

  std::vector<Leaf> leaves;
  std::vector<Rule> rules;
  std::string prefix;  // "dispatchers[1]." in an element
  std::shared_ptr<Reading> reading = std::make_shared<Reading>();
  std::vector<std::unique_ptr<Keys>> elements;

  void add(Explained said, std::function<std::string(const Node&)> take) {
    leaves.push_back({std::move(said), std::move(take), {}, {}, {}});
  }

  const Leaf* find(const std::string& key) const {
    const auto it =
        std::find_if(leaves.begin(), leaves.end(), [&](const Leaf& leaf) { return leaf.said.key == key; });
    return it == leaves.end() ? nullptr : &*it;
  }

  void report(Place place, std::string what) { reading->findings.push_back({place, std::move(what)}); }
  void spoil(const std::string& key, Place place, std::string what) {
    reading->spoiled.insert(prefix + key);
    report(place, std::move(what));
  }

  // The names that a section ("" or "queue.") may contain, each once.
  std::vector<std::string> namesIn(const std::string& section) const {
    std::vector<std::string> names;
    for (const Leaf& leaf : leaves) {
      if (!leaf.said.key.starts_with(section)) continue;
      const std::string rest = leaf.said.key.substr(section.size());
      const std::string name = rest.substr(0, rest.find('.'));
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
    return names;
  }

  void readDocument(const Node& root) {
    reading->places[""] = root.place;
    if (root.kind != Node::Kind::map && root.kind != Node::Kind::empty)
      return report(root.place, fmt::format("{}, expected keys with their values (key: value)", found(root)));
    readKeys(root);
  }

  void readKeys(const Node& map) {
    readMap(map, "");
    for (const Leaf& leaf : leaves) reportMissing(leaf);
  }

  void readMap(const Node& map, const std::string& section) {
    std::map<std::string, Place> seen;
    for (const Node::Entry& entry : map.entries) {
      const auto [first, isNew] = seen.emplace(entry.key, entry.place);
      if (!isNew) {
        report(entry.place,
               fmt::format("key{} is given twice, expected once (the first is in line {})",
                           shownKey(entry.key, reading->quoting, namesIn(section)), first->second.line));
        continue;
      }
      readEntry(entry, section);
    }
  }

  void readEntry(const Node::Entry& entry, const std::string& section) {
    const auto names = namesIn(section);
    const std::string key = section + entry.key;
    // A key that contains a dot does not descend into a section.
    if (std::find(names.begin(), names.end(), entry.key) == names.end())
      return report(entry.place, unknownKey(entry.key, names));
    reading->places[prefix + key] = entry.place;
    if (const Leaf* leaf = find(key)) return readLeaf(*leaf, entry);
    if (entry.value.kind == Node::Kind::map) return readMap(entry.value, key + ".");
    // An empty section is allowed: `queue:` with all its keys commented out.
    if (entry.value.kind != Node::Kind::empty)
      spoil(key, entry.value.place,
            fmt::format("{} for {}{}, {}expected a section with keys of {}", found(entry.value), prefix, key,
                        blankAdvice(entry.value.scalar), fmt::join(namesIn(key + "."), ", ")));
  }

  void readLeaf(const Leaf& leaf, const Node::Entry& entry) {
    // yaml-cpp gives an empty value the place of the next token.
    const Place place = entry.value.kind == Node::Kind::empty ? entry.place : entry.value.place;
    if (leaf.append) return readList(leaf, entry.value, place);
    const std::string problem = leaf.take(entry.value);
    if (!problem.empty())
      spoil(leaf.said.key, place, fmt::format("{}{}: {}", prefix, leaf.said.key, problem));
  }

  void readList(const Leaf& leaf, const Node& node, Place place) {
    const std::string& key = leaf.said.key;
    if (node.kind != Node::Kind::list)
      return spoil(key, place, fmt::format("{}{}: {}, expected a list (- ...)", prefix, key, found(node)));
    // Make all elements before the first declaration, because a declaration refers to its element.
    std::vector<std::size_t> at;
    for (std::size_t i = 0; i < node.items.size(); ++i) at.push_back(leaf.append());
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const Node& item = node.items[i];
      auto& element = *elements.emplace_back(std::make_unique<Keys>())->impl_;
      element.reading = reading;
      element.prefix = fmt::format("{}{}[{}].", prefix, key, i);
      leaf.declare(*elements.back(), at[i]);
      reading->places[fmt::format("{}{}[{}]", prefix, key, i)] = item.place;
      if (item.kind == Node::Kind::map)
        element.readKeys(item);
      else
        spoil(fmt::format("{}[{}]", key, i), item.place,
              fmt::format("{}{}: {}, {}expected a map with keys of {}", prefix, key, found(item),
                          blankAdvice(item.scalar), fmt::join(element.namesIn(""), ", ")));
    }
  }

  std::string unknownKey(const std::string& key, const std::vector<std::string>& names) const {
    constexpr std::string_view file = "_file";
    const std::string head(headOf(key));
    std::string advice = blankAdvice(key);
    std::vector<std::string> known = names;
    if (const auto near = closest(head, names)) {
      if (*near != head) advice += fmt::format("did you mean {}? ", *near);
    } else {
      // Advise on two slips: a secret in place of its file's name, and a key of another section.
      for (const std::string& name : names)
        if (name.ends_with(file) && name.substr(0, name.size() - file.size()) == head) {
          advice += fmt::format("did you mean {}, the file it is in? ", name);
          known.push_back(head);
        }
      for (const Leaf& leaf : leaves)
        if (lastPart(leaf.said.key) == head)
          advice += fmt::format("did you mean {}, one level down or up? ", leaf.said.key);
    }
    for (const Leaf& leaf : leaves) known.push_back(lastPart(leaf.said.key));
    return fmt::format("unknown key{}, {}expected one of {}", shownKey(key, reading->quoting, known), advice,
                       fmt::join(names, ", "));
  }

  void reportMissing(const Leaf& leaf) {
    const std::string key = prefix + leaf.said.key;
    if (!leaf.said.required || reading->places.contains(key) || isSpoiled(*reading, key)) return;
    reading->spoiled.insert(key);
    report(nearestPlace(*reading, key),
           fmt::format("{} is missing, expected {} ({})", key, leaf.said.type, leaf.said.help));
  }

  void askRules() {
    for (const Rule& rule : rules) {
      const std::string section = prefix + rule.at.substr(0, rule.at.find('.'));
      const bool troubled =
          std::any_of(reading->spoiled.begin(), reading->spoiled.end(), [&](const std::string& key) {
            return key.starts_with(section) &&
                   (key.size() == section.size() || key[section.size()] == '.' || key[section.size()] == '[');
          });
      if (troubled) continue;
      if (auto problem = rule.problem())
        report(nearestPlace(*reading, prefix + rule.at), fmt::format("{}{}: {}", prefix, rule.at, *problem));
    }
    for (auto& element : elements) element->impl_->askRules();
  }
};

Keys::Keys(Quoting quoting) : impl_(std::make_unique<Impl>()) { impl_->reading->quoting = quoting; }
Keys::~Keys() = default;

void Keys::text(const std::string& key, std::string& target, const std::string& help, Presence presence) {
  const bool required = presence == Presence::required;
  impl_->add({key, "text", required ? "" : target, required, help},
             [&target, required](const Node& node) -> std::string {
               auto parsed = parseText(node, "a text");
               if (parsed.value && required && parsed.value->empty())
                 return "found an empty text, expected a text";
               if (parsed.value) target = *parsed.value;
               return parsed.problem;
             });
}

void Keys::integer(const std::string& key, int& target, Bound<int> bound, const std::string& help) {
  impl_->add({key, typeOf(bound), std::to_string(target), false, help}, [&target, bound](const Node& node) {
    const auto parsed = parseInteger(node, bound);
    target = parsed.value.value_or(target);
    return parsed.problem;
  });
}

void Keys::number(const std::string& key, double& target, Bound<double> bound, const std::string& help) {
  impl_->add({key, typeOf(bound), fmt::format("{:g}", target), false, help},
             [&target, bound](const Node& node) {
               const auto parsed = parseNumber(node, bound);
               target = parsed.value.value_or(target);
               return parsed.problem;
             });
}

void Keys::flag(const std::string& key, bool& target, const std::string& help) {
  impl_->add({key, "true or false", target ? "true" : "false", false, help}, [&target](const Node& node) {
    const auto parsed = parseFlag(node);
    target = parsed.value.value_or(target);
    return parsed.problem;
  });
}

void Keys::duration(const std::string& key, Milliseconds& target, Bound<Milliseconds> bound,
                    const std::string& help) {
  impl_->add({key, typeOf(bound, ""), printDuration(target), false, help},
             [&target, bound](const Node& node) {
               const auto parsed = parseBoundedDuration(node, bound, "");
               target = parsed.value.value_or(target);
               return parsed.problem;
             });
}

void Keys::durationOr(const std::string& word, const std::string& key, std::optional<Milliseconds>& target,
                      Bound<Milliseconds> bound, const std::string& help) {
  impl_->add({key, typeOf(bound, word), target ? printDuration(*target) : word, false, help},
             [&target, bound, word](const Node& node) -> std::string {
               if (node.kind == Node::Kind::plain && node.scalar == word) {
                 target.reset();
                 return {};
               }
               const auto parsed = parseBoundedDuration(node, bound, word);
               if (parsed.value) target = parsed.value;
               return parsed.problem;
             });
}

void Keys::path(const std::string& key, std::filesystem::path& target, const std::string& help,
                Presence presence) {
  const bool required = presence == Presence::required;
  impl_->add({key, "path", required ? "" : target.string(), required, help},
             [&target](const Node& node) -> std::string {
               const auto parsed = parseText(node, "a path");
               if (parsed.value && parsed.value->empty()) return "found an empty text, expected a path";
               if (parsed.value) target = *parsed.value;
               return parsed.problem;
             });
}

void Keys::secretFile(const std::string& key, Secret& target, const std::string& help, Presence presence) {
  const bool required = presence == Presence::required;
  impl_->add({key, "path of a file with a secret", "", required, help},
             [&target, this, key](const Node& node) -> std::string {
               const auto parsed = parseText(node, "the path of a file");
               if (!parsed.value) return parsed.problem;
               const std::filesystem::path named = std::filesystem::path(impl_->reading->name).parent_path();
               const std::filesystem::path folder = fileFolder();
               SecretRead secret = readSecretFile(folder / *parsed.value, named / *parsed.value);
               if (secret.found != SecretRead::Found::yes && tolerates(key))
                 secret = {Secret("unread"), {}};  // for rules that need a secret
               if (secret.found == SecretRead::Found::nothing && folder != named)
                 secret.problem +=
                     "; its unit has no credential of this name: LoadCredential= in a drop-in gives it one";
               if (secret.problem.empty()) target = std::move(secret.secret);
               return secret.problem;
             });
}

void Keys::choiceOf(const std::string& key, std::vector<std::string> words, const std::string& current,
                    const std::string& help, Presence presence, std::function<void(const std::string&)> set) {
  const std::string type = typeOf(words);
  impl_->add({key, type, current, presence == Presence::required, help},
             [words = std::move(words), set = std::move(set)](const Node& node) {
               const auto parsed = parseChoice(node, words);
               if (parsed.value) set(*parsed.value);
               return parsed.problem;
             });
}

void Keys::word(const std::string& key, std::string& target, std::vector<std::string> words,
                const std::string& help, Presence presence) {
  choiceOf(key, std::move(words), presence == Presence::required ? "" : target, help, presence,
           [&target](const std::string& found) { target = found; });
}

void Keys::listOf(const std::string& key, const std::string& help, Presence presence,
                  std::function<std::size_t()> append, std::function<void(Keys&, std::size_t)> declare,
                  std::function<std::shared_ptr<void>(Keys&)> sample) {
  impl_->leaves.push_back({{key, "list", "", presence == Presence::required, help},
                           {},
                           std::move(append),
                           std::move(declare),
                           std::move(sample)});
}

void Keys::rule(const std::string& at, std::function<std::optional<std::string>()> problem) {
  impl_->rules.push_back({at, std::move(problem)});
}

std::vector<Problem> Keys::read(std::string_view yaml, const std::string& name,
                                const std::filesystem::path& files) {
  Reading& reading = *impl_->reading;
  reading.name = name;
  reading.files = files;
  const auto parsed = parseYaml(yaml, reading.quoting);
  if (const auto* problem = std::get_if<SyntaxProblem>(&parsed)) {
    impl_->report(problem->place, problem->what);
  } else {
    impl_->readDocument(std::get<Node>(parsed));
    impl_->askRules();
  }
  std::stable_sort(reading.findings.begin(), reading.findings.end(), [](const Finding& a, const Finding& b) {
    return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
  });
  std::vector<Problem> problems;
  for (const Finding& finding : reading.findings)
    problems.push_back(
        {fmt::format("{}:{}:{}", name, finding.place.line, finding.place.column), finding.what});
  return problems;
}

void Keys::tolerateUnread(std::vector<std::string>& unread) { impl_->reading->unread = &unread; }

bool Keys::tolerates(const std::string& key) {
  if (impl_->reading->unread == nullptr) return false;
  impl_->reading->unread->push_back(impl_->prefix + key);
  return true;
}

std::filesystem::path Keys::fileFolder() const {
  const Reading& reading = *impl_->reading;
  return reading.files.empty() ? std::filesystem::path(reading.name).parent_path() : reading.files;
}

std::string Keys::where(const std::string& key) const {
  const Place place = nearestPlace(*impl_->reading, impl_->prefix + key);
  return fmt::format("{}:{}:{}", impl_->reading->name, place.line, place.column);
}

std::vector<Explained> Keys::explain() const {
  std::vector<Explained> all;
  for (const auto& leaf : impl_->leaves) {
    all.push_back(leaf.said);
    if (!leaf.sample) continue;
    Keys element;
    const auto alive = leaf.sample(element);
    for (Explained inner : element.explain()) {
      inner.key = leaf.said.key + "[]." + inner.key;
      all.push_back(std::move(inner));
    }
  }
  return all;
}

std::string describe(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += fmt::format("{}: {}\n", problem.where, problem.what);
  return text;
}

}  // namespace smsd::config
