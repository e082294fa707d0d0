"""Examples of the API's answers and bodies, as its documentation shows them."""

from typing import Any

_PREDICTION_ID = "8420d541-5ea0-5b5f-8c39-2f1f6d0c4a11"
_MODEL_ID = "0d8c4b62-91c2-5d2b-9b65-6a4a6d2c7c55"
_HASH = "b7f1c3d29c0f6c2b0d0f5f2a7c9d4e8f1a2b3c4d5e6f708192a3b4c5d6e7f809"
_CHAIN = "2c1e7a94d0b85f63c4a1e2d3f4a5b6c7d8e9fa0b1c2d3e4f5a6b7c8d9e0f1a2b"

GAME: dict[str, Any] = {
    "id": "f2b0c9a8-6f5e-5a3b-8d7c-1e2f3a4b5c6d",
    "sport": "NFL",
    "kickoff": "2027-01-04T01:20:00Z",
    "away": "BUF",
    "home": "MIA",
    "status": "final",
    "away_score": 27,
    "home_score": 20,
}

PREDICTION: dict[str, Any] = {
    "id": _PREDICTION_ID,
    "game": GAME,
    "bet_type": "moneyline",
    "side": "away",
    "line": None,
    "odds": -113,
    "book": "Pinnacle",
    "probability": 0.548,
    "probability_low": 0.521,
    "probability_high": 0.574,
    "fair_probability": 0.519,
    "push_probability": 0.002,
    "edge": 0.0175,
    "ev": 0.0334,
    "kelly_fraction": 0.0093,
    "tier": "B",
    "as_of": "2027-01-03T17:00:00Z",
    "published_at": "2027-01-03T17:00:42Z",
    "mode": "live",
    "in_production": True,
    "model_id": _MODEL_ID,
    "ledger": {"seq": 852, "prediction_hash": _HASH, "chain_hash": _CHAIN},
    "grade": {
        "result": "win",
        "profit": 0.885,
        "clv": 0.012,
        "closing_line": None,
        "graded_at": "2027-01-04T09:00:00Z",
    },
}

EXPLAINED: dict[str, Any] = {
    **PREDICTION,
    "explanation": [
        {
            "rank": 1,
            "feature_name": "elo_prob",
            "feature_value": 0.44,
            "shap_value": 0.21,
            "impact_direction": "positive",
        }
    ],
}

PROP: dict[str, Any] = {
    "id": "c7d1e0b2-3f4a-5b6c-8d7e-9f0a1b2c3d4e",
    "game": GAME,
    "player": "A. Receiver",
    "prop": "receiving_yards",
    "line": 54.5,
    "projection": False,
    "expected": 58.2,
    "over_probability": 0.521,
    "under_probability": 0.479,
    "side": "over",
    "book": "Pinnacle",
    "over_price": -108,
    "under_price": -112,
    "tier": "C",
    "as_of": "2027-01-03T17:00:00Z",
    "published_at": "2027-01-03T17:01:10Z",
    "prediction_hash": _HASH,
    "result": "win",
    "actual": 71.0,
    "graded_at": "2027-01-04T09:00:00Z",
}

MODEL: dict[str, Any] = {
    "id": _MODEL_ID,
    "sport": "NFL",
    "bet_type": "moneyline",
    "framework": "sklearn",
    "name": "logistic",
    "version": "1",
    "production": True,
    "created_at": "2026-11-26T18:00:00Z",
    "test_games": 2961,
    "log_loss": 0.6112,
    "log_loss_vs_market": 0.0018,
    "calibration": "platt",
    "trained_rows": 5324,
    "trained_through": "2026-11-24T04:30:00Z",
    "artifact_hash": _HASH,
}

WEIGHT: dict[str, Any] = {"importance_rank": 1, "feature_name": "elo_prob", "importance_score": 0.31}

DAY: dict[str, Any] = {
    "id": "5f1c1a53-6e0e-5f5a-9a8b-0c1d2e3f4a5b",
    "date": "2027-01-03",
    "model_id": _MODEL_ID,
    "sport": "NFL",
    "bet_type": "moneyline",
    "name": "logistic",
    "n": 14,
    "accuracy": 0.643,
    "auc": 0.68,
    "log_loss": 0.621,
    "brier_score": 0.215,
    "calibration_error": 0.081,
}

HEAD: dict[str, Any] = {"rows": 852, "head": f"852:{_CHAIN}", "merkle_root": _HASH}

PROOF: dict[str, Any] = {
    "format": "aipro-proof-1",
    "prediction": '{"as_of":"2027-01-03T17:00:00Z", …}',
    "chain": '{"seq":852, …}',
    "prediction_hash": _HASH,
    "chain_hash": _CHAIN,
    "seq": 852,
    "rows": 852,
    "path": [_HASH],
    "merkle_root": _HASH,
}

BANKROLL: dict[str, Any] = {
    "currency": "USD",
    "balance": "994.10",
    "peak": "1000.00",
    "low": "994.10",
    "deposited": "1000.00",
    "withdrawn": "0.00",
    "owed": "0.00",
    "bets": 1,
    "open": 1,
    "at_stake": "5.90",
    "settled_stakes": "0.00",
    "profit": "0.00",
}

MOVEMENT: dict[str, Any] = {
    "id": "c0a8012e-7f1d-5c5e-8b2a-3d4e5f6a7b8c",
    "created_at": "2027-01-03T18:22:00Z",
    "type": "bet",
    "amount": "-5.90",
    "balance_after": "994.10",
    "bet_id": "aa8f73d9-2b6c-5d7e-9f1a-4b5c6d7e8f90",
    "description": "BUF @ MIA: moneyline away at -113, Pinnacle",
}

BET: dict[str, Any] = {
    "id": "aa8f73d9-2b6c-5d7e-9f1a-4b5c6d7e8f90",
    "placed_at": "2027-01-03T18:22:00Z",
    "prediction_id": _PREDICTION_ID,
    "game": {**GAME, "status": "scheduled", "away_score": None, "home_score": None},
    "bet_type": "moneyline",
    "side": "away",
    "line": None,
    "tier": "B",
    "odds": -113,
    "book": "Pinnacle",
    "stake": "5.90",
    "result": "pending",
    "profit": None,
    "settled_at": None,
}

WISH: dict[str, Any] = {"prediction": _PREDICTION_ID, "stake": "25.50", "odds": -110, "book": "Pinnacle"}

LOGIN: dict[str, Any] = {"email": "ann@example.com", "password": "correct horse battery staple", "code": "492039"}

TOKENS: dict[str, Any] = {
    "access_token": "aipro_a.…",
    "refresh_token": "aipro_r.…",
    "token_type": "Bearer",
    "access_expires_at": "2027-01-03T18:37:00Z",
    "refresh_expires_at": "2027-01-17T18:22:00Z",
}

CALLER: dict[str, Any] = {
    "user_id": "9a8b7c6d-5e4f-5a3b-8c2d-1e0f9a8b7c6d",
    "email": "ann@example.com",
    "role": "pro_user",
    "permissions": ["bank:read", "predictions:read"],
    "key_id": None,
    "per_minute": 600,
}
