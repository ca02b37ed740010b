// SPDX-License-Identifier: GPL-3.0-or-later
// The severity of smsd for the words that other programs have for theirs. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace smsd::shapes {

/// A word of a label `severity`, and the severity 1 to 5 for it; 0: none.
struct SeverityWord {
  std::string word;
  int severity = 0;
};

class SeverityWords {
 public:
  /// `own` come first; then the words that monitoring systems commonly have.
  explicit SeverityWords(std::vector<SeverityWord> own = {});
  /// The severity for the word, in any case of letters; `otherwise` for a word that is not known. A digit 1
  /// to 5 is itself.
  int of(std::string_view word, int otherwise = 0) const;

 private:
  std::vector<SeverityWord> words_;
};

}  // namespace smsd::shapes
