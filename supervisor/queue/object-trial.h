// SPDX-License-Identifier: GPL-3.0-or-later
// Loads a shared object in a process of its own first, and returns in smsd's own words why it cannot be
// loaded.
//
// Code runs while an object is loaded. If the file is damaged or that code is wrong, the process that loads
// it ends by a signal, and no error can be caught: so a child tries it. Called by loaded-queue.cpp, before
// the program has threads.
#pragma once

#include <filesystem>
#include <string>

namespace smsd::queue {

/// Returns why a process that loads the object does not survive that; empty: it does, whether or not the
/// object could be loaded.
std::string problemOfLoading(const std::filesystem::path& file);

/// Returns the reason that dlerror() gave, in words of ours. Of its text only the names of a library or a
/// symbol are taken.
std::string reasonNotLoaded(const char* said);

}  // namespace smsd::queue
