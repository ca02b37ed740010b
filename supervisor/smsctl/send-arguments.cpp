// SPDX-License-Identifier: GPL-3.0-or-later
#include "supervisor/smsctl/send-arguments.h"

#include <algorithm>
#include <string_view>

namespace smsd::smsctl {
namespace {

/// Whether `word` is an option of `send`. After the number, any other word with a dash is the text.
bool isOption(std::string_view word) {
  return word == "--json" || word == "-h" || word == "--help" || word == "--severity" ||
         word.starts_with("--severity=") || word == "--group" || word.starts_with("--group=");
}

bool takesTheNext(std::string_view option) {
  return option == "--severity" || option == "--config" || option == "--group";
}

/// Returns the index after the word `send`, or the number of arguments if it is another command.
std::size_t afterSend(const std::vector<std::string>& arguments) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "send") return i + 1;
    if (!arguments[i].starts_with("-")) break;
    if (takesTheNext(arguments[i])) ++i;
  }
  return arguments.size();
}

}  // namespace

std::vector<std::string> withDashedText(const std::vector<std::string>& arguments) {
  const std::size_t begin = afterSend(arguments);
  std::vector<std::string> result(arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(begin));
  std::vector<std::string> words;  // the number, the text and superfluous words
  for (std::size_t i = begin; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--") {
      words.insert(words.end(), arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1, arguments.end());
      break;
    }
    const bool text = words.size() == 1 && !isOption(word);
    if (text || !word.starts_with("-")) {
      words.push_back(word);
      continue;
    }
    result.push_back(word);
    if (takesTheNext(word) && i + 1 < arguments.size()) result.push_back(arguments[++i]);
  }
  if (words.size() < 2 || !words[1].starts_with("-")) return arguments;
  result.push_back("--");
  result.insert(result.end(), words.begin(), words.end());
  return result;
}

}  // namespace smsd::smsctl
