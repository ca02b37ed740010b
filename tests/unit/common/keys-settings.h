// SPDX-License-Identifier: GPL-3.0-or-later
// The declared keys that the tests of common/config/keys.h read texts against: one of each type.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/keys.h"

namespace smsd::config {

using namespace std::chrono_literals;

enum class Color { red, green };

struct Element {
  std::string name;
  int size = 1;
};

struct Settings {
  std::string title = "none";
  int count = 3;
  double factor = 1.5;
  bool loud = false;
  Milliseconds delay = 30s;
  std::optional<Milliseconds> expiry;
  std::filesystem::path place = "/var/lib";
  Color color = Color::red;
  std::string kind = "fast";
  std::vector<Element> elements;
};

inline void declare(Keys& keys, Settings& s) {
  keys.text("title", s.title, "a title");
  keys.integer("count", s.count, {1, 8}, "how many");
  keys.number("deep.factor", s.factor, {1, 10}, "how much");
  keys.flag("deep.loud", s.loud, "whether");
  keys.duration("deep.delay", s.delay, {1s, 1h}, "how long");
  keys.durationOr("never", "deep.expiry", s.expiry, {1s, 1h}, "until when");
  keys.path("place", s.place, "where");
  keys.choice("color", s.color, {{"red", Color::red}, {"green", Color::green}}, "which");
  keys.word("kind", s.kind, {"fast", "slow"}, "which kind");
  keys.list<Element>(
      "elements", s.elements,
      [](Keys& inner, Element& e) {
        inner.text("name", e.name, "its name", Presence::required);
        inner.integer("size", e.size, {1, 9}, "its size");
      },
      "the elements");
}

inline std::string problemsOf(std::string_view yaml, Settings& settings) {
  Keys keys(Quoting::harmless);
  declare(keys, settings);
  return describe(keys.read(yaml, "f.yaml"));
}

inline std::string problemsOf(std::string_view yaml) {
  Settings settings;
  return problemsOf(yaml, settings);
}

}  // namespace smsd::config
