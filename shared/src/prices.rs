//! The tokens of the model's answers, and the prices that the model's maker asks for them.

use crate::env::{Env, EnvError, invalid};

/// The highest price that is accepted.
const MOST: f64 = 1e6;

/// A number of tokens, as the model's server counts them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// The tokens of prompts.
    pub prompt: u64,
    /// The tokens of prompts that the model had in its cache.
    pub cached: u64,
    /// The tokens of prompts that the model wrote to its cache.
    pub cache_written: u64,
    /// The tokens of answers.
    pub completion: u64,
}

impl Tokens {
    /// Returns the tokens of prompts and answers together.
    pub fn total(&self) -> u64 {
        self.prompt + self.completion
    }
}

impl std::ops::Add for Tokens {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            prompt: self.prompt + more.prompt,
            cached: self.cached + more.cached,
            cache_written: self.cache_written + more.cache_written,
            completion: self.completion + more.completion,
        }
    }
}

/// The prices in US dollars for a million tokens.
#[derive(Clone, Copy, Debug)]
pub struct Prices {
    prompt: f64,
    cached: f64,
    cache_written: f64,
    completion: f64,
}

impl Prices {
    /// Reads the variables; returns `None` if the price of prompts or of answers is not set. Tokens that are read from
    /// the cache or written to it cost as much as the rest of the prompt if they have no price of their own.
    pub fn from_env(env: &Env) -> Result<Option<Self>, EnvError> {
        let price = |name: &str| -> Result<Option<f64>, EnvError> {
            let Some(text) = env.optional(name)? else { return Ok(None) };
            let price = text.trim().parse().ok().filter(|price: &f64| (0.0..=MOST).contains(price));
            // The sign of zero is removed.
            price
                .map(|price: f64| Some(price.abs()))
                .ok_or_else(|| invalid(name, "it must be US dollars for a million tokens"))
        };
        let cached = price("CACHED_USD_PER_MILLION")?;
        let cache_written = price("CACHE_WRITTEN_USD_PER_MILLION")?;
        let both = price("PROMPT_USD_PER_MILLION")?.zip(price("COMPLETION_USD_PER_MILLION")?);
        Ok(both.map(|(prompt, completion)| Self {
            prompt,
            cached: cached.unwrap_or(prompt),
            cache_written: cache_written.unwrap_or(prompt),
            completion,
        }))
    }

    /// Returns the cost of these tokens.
    #[expect(clippy::cast_precision_loss, reason = "the cost is an estimate")]
    pub fn usd(&self, tokens: Tokens) -> f64 {
        let Tokens { prompt, cached, cache_written, completion } = tokens;
        let dollars = |tokens: u64, price: f64| tokens as f64 * price / 1e6;
        dollars(prompt.saturating_sub(cached + cache_written), self.prompt)
            + dollars(cached, self.cached)
            + dollars(cache_written, self.cache_written)
            + dollars(completion, self.completion)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn what_is_read_from_the_cache_or_written_to_it_has_its_own_price_only_where_that_is_said() {
        let of = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Prices::from_env(&Env::of(pairs))
        };
        let both = [("PROMPT_USD_PER_MILLION", "2"), ("COMPLETION_USD_PER_MILLION", "8")];
        let tokens =
            Tokens { prompt: 1_000_000, cached: 500_000, cache_written: 200_000, completion: 250_000 };
        let cents = |prices: Prices| (prices.usd(tokens) * 100.0).round();
        assert!((cents(of(&both).unwrap().unwrap()) - 400.0).abs() < 0.1);
        let all = [both[0], both[1], ("CACHED_USD_PER_MILLION", "0.2")];
        assert!((cents(of(&all).unwrap().unwrap()) - 310.0).abs() < 0.1);
        assert!(of(&both[..1]).unwrap().is_none());
        let all = [all[0], all[1], all[2], ("CACHE_WRITTEN_USD_PER_MILLION", "2.5")];
        assert!((cents(of(&all).unwrap().unwrap()) - 320.0).abs() < 0.1);
        for wrong in ["cheap", "-1", "1e308", "inf", "NaN"] {
            for name in ["CACHED_USD_PER_MILLION", "CACHE_WRITTEN_USD_PER_MILLION"] {
                assert!(of(&[(name, wrong)]).is_err(), "{name} {wrong}");
            }
        }
        let free = [("PROMPT_USD_PER_MILLION", "-0"), ("COMPLETION_USD_PER_MILLION", "-0")];
        assert_eq!(format!("{:.4}", of(&free).unwrap().unwrap().usd(tokens)), "0.0000");
    }
}
