// SPDX-License-Identifier: GPL-3.0-or-later
// The settings of a run: the program, its configuration, and the bounds.
//
// Made by arguments.cpp, read by all other files. Holds nothing that changes during the run.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace smsd::check {

using Milliseconds = std::chrono::milliseconds;

/// The ways in which a dispatcher program is started (section 5 of ARCHITECTURE.md).
enum class Activation { spawn, socket };

struct RunSettings {
  std::filesystem::path program;       // absolute
  std::vector<std::string> arguments;  // of the program, before those that smsd adds
  std::string kind;                    // that describe() has to return; empty: any
  std::string name = "check";          // the dispatcher's name
  std::filesystem::path config;        // absolute; empty: the program gets an empty file
  std::string content;                 // of `config`
  std::string recipient = "+447700900123";
  std::filesystem::path witness;  // a file that the program changes when it touches an SMS; empty: none
  Milliseconds timeout{10'000};
  Milliseconds startTimeout{30'000};
  unsigned window = 64;  // the largest that smsd.yaml permits
  unsigned batch = 3;    // SMS in the check `one-outcome`
  std::vector<Activation> activations = {Activation::spawn, Activation::socket};
};

}  // namespace smsd::check
