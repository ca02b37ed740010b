// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/net/secrets.h"

#include <algorithm>
#include <utility>

namespace smsd::net {
namespace {

std::string base64(std::string_view bytes) {
  constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0);
    for (std::size_t k = 0; k < 4; ++k)
      result += i + k <= bytes.size() ? letters[group >> (18 - 6 * k) & 63] : '=';
  }
  return result;
}

bool isSecretName(const std::string& name) {
  constexpr std::string_view taken[] = {"recipient", "digits", "text", "key", "encoding"};
  return !name.empty() && name.size() <= 32 && name[0] >= 'a' && name[0] <= 'z' &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; }) &&
         std::find(std::begin(taken), std::end(taken), name) == std::end(taken);
}

}  // namespace

void NamedSecrets::declare(config::Keys& keys, const std::string& where) {
  keys.list<Named>(
      "secrets", secrets_,
      [where](config::Keys& inner, Named& secret) {
        inner.text("name", secret.name, "the name of the secret, which {name} stands for in " + where,
                   config::Presence::required);
        inner.example("name", "password");
        inner.secretFile("file", secret.value, "the file whose first line is the secret",
                         config::Presence::required);
        inner.example("file", "gateway.password");
        inner.rule("name", [&secret]() -> std::optional<std::string> {
          if (isSecretName(secret.name)) return std::nullopt;
          return "expected a name of small letters, digits and _ that is not one of the placeholders";
        });
      },
      "secrets for templates");
  keys.rule("secrets", [this]() -> std::optional<std::string> {
    for (auto& secret : secrets_) {
      auto same = [&](const Named& other) { return other.name == secret.name; };
      if (std::count_if(secrets_.begin(), secrets_.end(), same) > 1) return "expected each name once";
    }
    return std::nullopt;
  });
}

Constants NamedSecrets::constants() const {
  Constants constants;
  for (auto& secret : secrets_) constants.push_back({secret.name, secret.value});
  return constants;
}

void Hiding::remember(const std::string& secret) {
  constexpr std::size_t shortest = 4;  // shorter ones match in ordinary words, and hiding them hides nothing
  if (secret.size() < shortest) return;
  for (auto& form : {secret, escaped(secret, Place::url), escaped(secret, Place::json),
                     escaped(secret, Place::xml), base64(secret)})
    if (std::find(hidden_.begin(), hidden_.end(), form) == hidden_.end()) hidden_.push_back(form);
}

void Hiding::rememberAll(const Constants& constants) {
  for (auto& constant : constants) remember(constant.value.reveal());
}

void Hiding::rememberLogin(const std::string& username, const std::string& password) {
  if (password.empty()) return;
  remember(password);
  remember(base64(username + ":" + password));
  remember(base64('\0' + username + '\0' + password));
}

void Hiding::hideIn(std::string& said) const {
  // Finds everything before it writes anything, because a secret may occur in "(hidden)", or in the text that
  // the removal of another one joins.
  std::vector<std::pair<std::size_t, std::size_t>> found;
  for (auto& secret : hidden_)
    for (std::size_t at = said.find(secret); at != std::string::npos; at = said.find(secret, at + 1))
      found.emplace_back(at, at + secret.size());
  std::sort(found.begin(), found.end());
  std::string shown;
  std::size_t done = 0;
  for (auto [begin, end] : found) {
    // Secrets that overlap share one mark.
    if (begin >= done) shown.append(said, done, begin - done).append("(hidden)");
    done = std::max(done, end);
  }
  said = shown.append(said, done);
}

}  // namespace smsd::net
