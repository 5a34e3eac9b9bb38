// SPDX-License-Identifier: Apache-2.0
#include "tools/ui/ui_page.h"

#include <openssl/evp.h>

#include <array>
#include <stdexcept>

namespace netbinder::tools {

namespace {

// The text between two tags, which the page has once.
std::string_view inside(std::string_view page, std::string_view begin, std::string_view end) {
  const std::size_t from = page.find(begin);
  const std::size_t to = page.find(end);
  if (from == std::string_view::npos || to == std::string_view::npos || to < from) {
    throw std::logic_error("the page has no " + std::string(begin));
  }
  return page.substr(from + begin.size(), to - from - begin.size());
}

// As a policy names an inline script or style.
std::string hash_of(std::string_view text) {
  std::array<unsigned char, 32> digest;
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("there is no SHA-256");
  }
  std::array<unsigned char, 48> base64;
  const int length = EVP_EncodeBlock(base64.data(), digest.data(), static_cast<int>(size));
  return "'sha256-" +
         std::string(reinterpret_cast<const char*>(base64.data()),
                     static_cast<std::size_t>(length)) +
         "'";
}

}  // namespace

std::string content_security_policy(std::string_view page) {
  return "default-src 'none'; script-src " + hash_of(inside(page, "<script>", "</script>")) +
         "; style-src " + hash_of(inside(page, "<style>", "</style>")) +
         "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
         "frame-ancestors 'none'";
}

http::Answer ui_page() {
  const std::string_view page = ui_page_text();
  return {.content_type = "text/html; charset=utf-8",
          .body = std::string(page),
          .headers = {{"Content-Security-Policy", content_security_policy(page)}}};
}

}  // namespace netbinder::tools
