// SPDX-License-Identifier: GPL-3.0-or-later
// Which alerts of a request go to smsd: those that fit the bounds of its contract, and that the token allows.
// Pure.
//
// A refused alert does not keep the others out. Called by the HTTP service between a dialect's reading and
// the submission.
#pragma once

#include <optional>
#include <vector>

#include "clients/intake/token.h"
#include "clients/shapes/submission.h"

namespace smsd::webintake {

/// The reason why smsd would refuse the alert, or close the connection because of it; none if it would not.
std::optional<shapes::WebFate> refusalByBounds(const shapes::IncomingAlert& alert);

class TokenAdmission {
 public:
  /// Gives the keys of the allowed alerts the name of the token.
  TokenAdmission(std::vector<shapes::IncomingAlert> alerts, const Token& token);

  std::size_t allowed() const { return allowed_.size(); }
  std::vector<shapes::IncomingAlert> takeAllowed() { return std::move(allowed_); }
  /// Adds the refused alerts to the answer to the allowed ones, in the order of the request. Removes the
  /// numbers of groups, which a client need not know.
  shapes::SubmissionResult whole(shapes::SubmissionResult result);

 private:
  std::vector<shapes::IncomingAlert> allowed_;
  std::vector<std::optional<shapes::WebFate>> refused_;  // one entry for each alert; none: allowed
  std::vector<bool> groups_;                             // likewise, whether it is for a group
};

}  // namespace smsd::webintake
