// Secrets that templates name, and their hiding in what a far end says.
//
// Owns the key `secrets`. Called by the kinds whose far end wants a secret beside the text. Pure but for the
// key. Never prints what it holds.
#pragma once

#include <string>
#include <vector>

#include "common/config/keys.h"
#include "workers/net/template.h"

namespace smsd::net {

class NamedSecrets {
 public:
  /// `where` they may stand, for the operator to read.
  void declare(config::Keys& keys, const std::string& where);
  /// What stands for {name} in templates. Once the file was read.
  Constants constants() const;

 private:
  struct Named {
    std::string name;
    config::Secret value;
  };
  std::vector<Named> secrets_;
};

/// Takes secrets of ours out of what a far end said, should it say one.
class Hiding {
 public:
  void remember(const std::string& secret);
  void rememberAll(const Constants& constants);
  /// HTTP's Basic, SMTP's PLAIN.
  void rememberLogin(const std::string& username, const std::string& password);
  void hideIn(std::string& said) const;

 private:
  std::vector<std::string> hidden_;  // in each form it may come back in
};

}  // namespace smsd::net
