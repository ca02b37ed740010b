// SPDX-License-Identifier: GPL-3.0-or-later
#include "workers/net/curl-library.h"

#include <kj/debug.h>
#include <pthread.h>

#include <cstring>

namespace smsd::net {
namespace {

/// Returns the kernel's reason why `easy` could not connect; empty if there is none.
std::string systemError(CURL* easy) {
  long error = 0;
  curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
  return error == 0 ? "" : std::strerror(static_cast<int>(error));
}

/// Returns why the peer's certificate was refused. The numbers are OpenSSL's X509_V_ERR_*; a certificate for
/// another host has none, because libcurl compares the names itself.
std::string certificateError(CURL* easy) {
  long error = 0;
  curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &error);
  switch (error) {
    case 0:
    case 1:  // unspecified: libcurl begins with it, and has ended the connection itself
    case 62:
    case 64:
      return "its certificate is for another host name";
    case 2:
    case 20:
    case 21:
      return "no trusted authority has signed its certificate";
    case 9:
      return "its certificate is not valid yet, or this host's clock is wrong";
    case 10:
      return "its certificate has expired, or this host's clock is wrong";
    case 18:
    case 19:
      return "its certificate is self-signed, and no trusted authority has signed it";
    case 23:
      return "its certificate was revoked";
    default:
      return "its certificate was refused (error " + std::to_string(error) + " of OpenSSL)";
  }
}

}  // namespace

void initializeCurl() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  KJ_REQUIRE(code == CURLE_OK, "libcurl does not start", curl_easy_strerror(code));
}

Failure failureOf(CURLcode code) {
  switch (code) {
    case CURLE_OK:
    case CURLE_WRITE_ERROR:  // a callback ended the transfer at a bound
      return Failure::none;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
    case CURLE_INTERFACE_FAILED:
      return Failure::unreachable;
    case CURLE_SSL_CONNECT_ERROR:
      return Failure::handshake;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_USE_SSL_FAILED:
      return Failure::security;
    case CURLE_OPERATION_TIMEDOUT:
      return Failure::timeout;
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return Failure::cut;
    case CURLE_UNSUPPORTED_PROTOCOL:  // HTTP/0.9
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
      return Failure::garbage;
    case CURLE_ABORTED_BY_CALLBACK:
      return Failure::resend;
    default:
      return Failure::other;
  }
}

std::string detailOf(CURLcode code, CURL* easy) {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
      return systemError(easy);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return "its name has no address";
    case CURLE_PEER_FAILED_VERIFICATION:
      return certificateError(easy);
    case CURLE_SSL_CONNECT_ERROR:
      return "its port may not be for TLS, or it has no version of TLS that this worker has";
    case CURLE_SSL_CACERT_BADFILE:
      return "the certificates of the trusted authorities cannot be used";
    case CURLE_SSL_CERTPROBLEM:
      return "this worker's own certificate or its key cannot be used";
    case CURLE_SSL_CIPHER:
      return "no cipher that both sides support";
    case CURLE_OUT_OF_MEMORY:
      return "no memory";
    default:
      return "";
  }
}

SignalsBlocked::SignalsBlocked() {
  sigset_t all;
  sigfillset(&all);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGSYS, SIGTRAP, SIGABRT}) sigdelset(&all, fault);
  pthread_sigmask(SIG_BLOCK, &all, &before_);
}

SignalsBlocked::~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

}  // namespace smsd::net
