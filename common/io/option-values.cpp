// SPDX-License-Identifier: GPL-3.0-or-later
#include "common/io/option-values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "common/text/utf.h"

namespace smsd::io {
namespace {

constexpr std::size_t longestWord = 40;  // bytes of a wrong value in an error

}  // namespace

CLI::Validator wholeNumber(std::int64_t least, std::int64_t most) {
  return CLI::Validator(
      [least, most](std::string& word) -> std::string {
        std::int64_t value = 0;
        const char* end = word.data() + word.size();
        const auto [read, error] = std::from_chars(word.data(), end, value);
        if (error != std::errc() || read != end || value < least || value > most)
          return fmt::format("'{}': expected a whole number from {} to {}",
                             text::printable(word, longestWord), least, most);
        word = std::to_string(value);  // CLI11 reads it once more, and would read 010 as 8
        return "";
      },
      "");
}

CLI::Validator oneOf(std::vector<std::string> words) {
  return CLI::Validator(
      [words = std::move(words)](std::string& word) -> std::string {
        if (std::find(words.begin(), words.end(), word) != words.end()) return "";
        return fmt::format("'{}': expected one of {}", text::printable(word, longestWord),
                           fmt::join(words, ", "));
      },
      "");
}

std::string emptyOption(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty()) continue;
    for (const std::string& value : option->results())
      if (value.empty()) return "--" + option->get_lnames().front();
  }
  for (const CLI::App* command : app.get_subcommands())
    if (auto name = emptyOption(*command); !name.empty()) return name;
  return "";
}

}  // namespace smsd::io
