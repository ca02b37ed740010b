// SPDX-License-Identifier: GPL-3.0-or-later
// The declaration of keys, the order of their problems, and their explanation.
#include "common/config/keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/config/keys-impl.h"
#include "common/config/secret-file.h"
#include "common/config/shown.h"
#include "common/config/values.h"

namespace smsd::config {
namespace {

KeyForm formOf(Bound<int> bound) {
  return {KeyForm::Type::integer, static_cast<double>(bound.least), static_cast<double>(bound.most)};
}

KeyForm formOf(Bound<Milliseconds> bound, const std::string& word) {
  KeyForm form{KeyForm::Type::duration, static_cast<double>(bound.least.count()),
               static_cast<double>(bound.most.count())};
  if (!word.empty()) form.words = {word};
  return form;
}

/// Takes a list of scalars. `parse` takes one of them.
template <typename T, typename F>
std::string takeList(const Node& node, std::vector<T>& target, F parse) {
  if (node.kind != Node::Kind::list)
    return fmt::format("{}, expected a list ([..., ...] or - ...)", found(node));
  std::vector<T> values;
  for (const Node& item : node.items) {
    const auto parsed = parse(item);
    if (!parsed.value) return fmt::format("entry {}: {}", &item - node.items.data() + 1, parsed.problem);
    values.push_back(*parsed.value);
  }
  target = std::move(values);
  return {};
}

}  // namespace

void Keys::Impl::add(Declaration declared, std::function<std::string(const Node&)> take) {
  leaves.push_back({std::move(declared), {}, std::move(take), {}, {}, {}});
}

KeyHelp Keys::Impl::Leaf::explained() const {
  return {said.key,
          typeOf(said.form),
          said.defaultValue,
          said.required,
          said.help,
          said.form,
          example.empty() ? exampleOf(said.key, said.form, said.defaultValue) : example};
}

Keys::Keys(Quoting quoting) : impl_(std::make_unique<Impl>()) { impl_->reading->quoting = quoting; }
Keys::~Keys() = default;

void Keys::text(const std::string& key, std::string& target, const std::string& help, Presence presence) {
  const bool required = presence == Presence::required;
  impl_->add({key, {KeyForm::Type::text}, required ? "" : target, required, help},
             [&target, required](const Node& node) -> std::string {
               auto parsed = parseText(node, "a text");
               if (parsed.value && required && parsed.value->empty())
                 return "found an empty text, expected a text";
               if (parsed.value) target = *parsed.value;
               return parsed.problem;
             });
}

void Keys::integer(const std::string& key, int& target, Bound<int> bound, const std::string& help) {
  impl_->add({key, formOf(bound), std::to_string(target), false, help}, [&target, bound](const Node& node) {
    const auto parsed = parseInteger(node, bound);
    target = parsed.value.value_or(target);
    return parsed.problem;
  });
}

void Keys::integer(const std::string& key, std::optional<int>& target, Bound<int> bound, int otherwise,
                   const std::string& help) {
  impl_->add({key, formOf(bound), std::to_string(target.value_or(otherwise)), false, help},
             [&target, bound](const Node& node) {
               const auto parsed = parseInteger(node, bound);
               if (parsed.value) target = parsed.value;
               return parsed.problem;
             });
}

void Keys::texts(const std::string& key, std::vector<std::string>& target, const std::string& help) {
  impl_->add({key, {KeyForm::Type::texts}, fmt::format("{}", fmt::join(target, ", ")), false, help},
             [&target](const Node& node) {
               return takeList(node, target, [](const Node& item) { return parseText(item, "a text"); });
             });
}

void Keys::integers(const std::string& key, std::vector<int>& target, Bound<int> bound,
                    const std::string& help) {
  KeyForm form = formOf(bound);
  form.type = KeyForm::Type::integers;
  impl_->add({key, std::move(form), "", false, help}, [&target, bound](const Node& node) {
    return takeList(node, target, [bound](const Node& item) { return parseInteger(item, bound); });
  });
}

void Keys::number(const std::string& key, double& target, Bound<double> bound, const std::string& help) {
  const KeyForm form{KeyForm::Type::number, bound.least, bound.most};
  impl_->add({key, form, fmt::format("{:g}", target), false, help}, [&target, bound](const Node& node) {
    const auto parsed = parseNumber(node, bound);
    target = parsed.value.value_or(target);
    return parsed.problem;
  });
}

void Keys::flag(const std::string& key, bool& target, const std::string& help) {
  impl_->add({key, {KeyForm::Type::flag}, target ? "true" : "false", false, help},
             [&target](const Node& node) {
               const auto parsed = parseFlag(node);
               target = parsed.value.value_or(target);
               return parsed.problem;
             });
}

void Keys::duration(const std::string& key, Milliseconds& target, Bound<Milliseconds> bound,
                    const std::string& help) {
  impl_->add({key, formOf(bound, ""), printDuration(target), false, help},
             [&target, bound](const Node& node) {
               const auto parsed = parseBoundedDuration(node, bound, "");
               target = parsed.value.value_or(target);
               return parsed.problem;
             });
}

void Keys::durationOr(const std::string& word, const std::string& key, std::optional<Milliseconds>& target,
                      Bound<Milliseconds> bound, const std::string& help) {
  impl_->add({key, formOf(bound, word), target ? printDuration(*target) : word, false, help},
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
  impl_->add({key, {KeyForm::Type::path}, required ? "" : target.string(), required, help},
             [&target](const Node& node) -> std::string {
               const auto parsed = parseText(node, "a path");
               if (parsed.value && parsed.value->empty()) return "found an empty text, expected a path";
               if (parsed.value) target = *parsed.value;
               return parsed.problem;
             });
}

void Keys::secretFile(const std::string& key, Secret& target, const std::string& help, Presence presence) {
  const bool required = presence == Presence::required;
  impl_->add({key, {KeyForm::Type::secretFile}, "", required, help},
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

void Keys::choiceOf(const std::string& key, Words words, const std::string& current, const std::string& help,
                    Presence presence, std::function<void(const std::string&)> set) {
  const KeyForm form{KeyForm::Type::choice, 0, 0, words.words, words.former};
  impl_->add(
      {key, form, current, presence == Presence::required, help},
      [words = std::move(words), set = std::move(set)](const Node& node) {
        const auto& former = words.former;
        const bool isFormer = node.kind == Node::Kind::plain &&
                              std::find(former.begin(), former.end(), node.scalar) != former.end();
        const auto parsed = isFormer ? Parsed<std::string>{node.scalar, {}} : parseChoice(node, words.words);
        if (parsed.value) set(*parsed.value);
        return parsed.problem;
      });
}

void Keys::word(const std::string& key, std::string& target, std::vector<std::string> words,
                const std::string& help, Presence presence) {
  choiceOf(key, {std::move(words), {}}, presence == Presence::required ? "" : target, help, presence,
           [&target](const std::string& found) { target = found; });
}

void Keys::listOf(const std::string& key, const std::string& help, Presence presence,
                  std::function<std::size_t()> append, std::function<void(Keys&, std::size_t)> declare,
                  std::function<std::shared_ptr<void>(Keys&)> sample) {
  impl_->leaves.push_back({{key, {KeyForm::Type::list}, "", presence == Presence::required, help},
                           {},
                           {},
                           std::move(append),
                           std::move(declare),
                           std::move(sample)});
}

void Keys::example(const std::string& key, const std::string& value) {
  // It is usually the last one.
  for (auto leaf = impl_->leaves.rbegin(); leaf != impl_->leaves.rend(); ++leaf)
    if (leaf->said.key == key) {
      leaf->example = value;
      return;
    }
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
    impl_->report(problem->position, problem->what);
  } else {
    impl_->readDocument(std::get<Node>(parsed));
    impl_->askRules();
  }
  std::stable_sort(
      reading.problems.begin(), reading.problems.end(), [](const PlacedProblem& a, const PlacedProblem& b) {
        return std::pair(a.position.line, a.position.column) < std::pair(b.position.line, b.position.column);
      });
  std::vector<Problem> problems;
  for (const PlacedProblem& problem : reading.problems)
    problems.push_back(
        {fmt::format("{}:{}:{}", name, problem.position.line, problem.position.column), problem.what});
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
  const Position position = nearestPosition(*impl_->reading, impl_->prefix + key);
  return fmt::format("{}:{}:{}", impl_->reading->name, position.line, position.column);
}

std::vector<KeyHelp> Keys::explain() const {
  std::vector<KeyHelp> all;
  for (const auto& leaf : impl_->leaves) {
    all.push_back(leaf.explained());
    if (!leaf.sample) continue;
    Keys element;
    const auto alive = leaf.sample(element);
    for (KeyHelp inner : element.explain()) {
      inner.key = leaf.said.key + "[]." + inner.key;
      all.push_back(std::move(inner));
    }
  }
  return all;
}

std::vector<std::pair<std::string, std::string>> Keys::defaults() const {
  std::vector<std::pair<std::string, std::string>> all;
  all.reserve(impl_->leaves.size());
  for (const auto& leaf : impl_->leaves) all.emplace_back(leaf.said.key, leaf.said.defaultValue);
  return all;
}

std::string describe(const std::vector<Problem>& problems) {
  std::string text;
  for (const Problem& problem : problems) text += fmt::format("{}: {}\n", problem.where, problem.what);
  return text;
}

}  // namespace smsd::config
