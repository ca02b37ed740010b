// SPDX-License-Identifier: GPL-3.0-or-later
// The tokens of clients, what each may do, and its rate. Pure; time is an argument.
//
// A token narrows the rights that smsd.yaml gives to the user of smsd-intake; smsd checks those again.
// Secrets are compared in constant time, all of them for each request.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "clients/shapes/submission.h"
#include "common/config/secret.h"

namespace smsd::webintake {

struct Token {
  std::string name;
  config::Secret secret = {};
  std::vector<std::string> recipients = {};  // numbers; "+47*": all that begin so; "*": all
  std::vector<std::string> groups = {};      // names; "*": all
  std::vector<int> severities = {};          // empty: all, and none
  int rate = 0;                              // alerts a minute; 0: as many as smsd takes
  bool metrics = false;                      // may read /metrics
};

/// Whether the texts are equal. The time depends on the length of `given` alone.
bool areEqual(std::string_view given, std::string_view secret);

/// The token with this secret; none if there is no such token.
const Token* findToken(const std::vector<Token>& tokens, std::string_view given);

/// The reason why the token does not allow the alert; none if it does.
std::optional<shapes::WebFate> refusalBy(const Token& token, const shapes::IncomingAlert& alert);

/// The alerts of one token in the last minute, as a bucket that fills evenly.
class TokenRate {
 public:
  using Clock = std::chrono::milliseconds;  // since any fixed time

  explicit TokenRate(int rate) : rate_(rate), left_(rate) {}
  /// Takes `alerts`, and returns nothing; or takes nothing, and returns the wait until there is room. A
  /// request of more alerts than the rate allows at all passes when the bucket is full.
  std::optional<std::chrono::seconds> take(std::size_t alerts, Clock now);

 private:
  double rate_;
  double left_;
  Clock last_{0};
};

}  // namespace smsd::webintake
