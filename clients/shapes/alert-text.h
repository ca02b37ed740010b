// SPDX-License-Identifier: GPL-3.0-or-later
// The text of an SMS from the labels and annotations of an alert, by a template of a few placeholders. Pure.
//
//   {status}    FIRING or RESOLVED
//   {severity}  the label severity
//   {what}      the annotation summary, or description, or message, otherwise the label alertname
//   {where}     the label instance, or host, or another that names a place
//   {since}     the start of the alert: 2026-11-27 19:30Z
//   {label:NAME}, {annotation:NAME}
//
// A placeholder without a value leaves nothing, and blanks and brackets that stay empty are removed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace smsd::shapes {

using Labels = std::map<std::string, std::string, std::less<>>;

struct AlertFacts {
  Labels labels, annotations;
  std::string startsAt;
  bool resolved = false;
};

class AlertTemplate {
 public:
  /// Returns the template; none if `text` has an unknown placeholder or an open bracket, which `problem`
  /// names.
  static std::optional<AlertTemplate> from(std::string_view text, std::string& problem);

  /// Returns at most `maxText` code points of valid UTF-8.
  std::string fill(const AlertFacts& alert) const;

 private:
  struct Piece {
    enum class Kind { literal, status, severity, what, where, since, label, annotation };
    Kind kind = Kind::literal;
    std::string text;  // the literal, or NAME
  };
  static std::string valueOf(const Piece& piece, const AlertFacts& alert);

  std::vector<Piece> pieces_;
};

/// The default: `{status} {severity}: {what} at {where} since {since}`, with words as they fit.
extern const char* const defaultTemplate;

/// Returns "2026-11-27 19:30Z" for an RFC 3339 time, empty for anything else.
std::string shortTime(std::string_view rfc3339);

/// Returns valid UTF-8 of at most maxText code points; a longer text ends in "...".
std::string boundedText(std::string_view text);

}  // namespace smsd::shapes
