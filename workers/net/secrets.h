// SPDX-License-Identifier: GPL-3.0-or-later
// Named secrets for templates, and their removal from answers.
//
// Owns the key `secrets`. Called by the kinds that send a secret beside the text. Pure except for the key.
// Never prints a secret.
#pragma once

#include <string>
#include <vector>

#include "common/config/keys.h"
#include "workers/net/template.h"

namespace smsd::net {

class NamedSecrets {
 public:
  /// `where` describes for the operator in which values a secret may be used.
  void declare(config::Keys& keys, const std::string& where);
  /// The values for {name} in templates. To be called when the file was read.
  Constants constants() const;

 private:
  struct Named {
    std::string name;
    config::Secret value;
  };
  std::vector<Named> secrets_;
};

/// Removes our secrets from a text that a gateway or server sent, because it may send one back.
class Hiding {
 public:
  void remember(const std::string& secret);
  void rememberAll(const Constants& constants);
  /// Also remembers the encoded forms of HTTP's Basic and SMTP's PLAIN.
  void rememberLogin(const std::string& username, const std::string& password);
  void hideIn(std::string& said) const;

 private:
  std::vector<std::string> hidden_;  // each secret, in each form in which it may come back
};

}  // namespace smsd::net
