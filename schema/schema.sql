-- Generated from aipro_ml/db/models by `python -m aipro_ml.db.contract`: do not edit.

CREATE TABLE data_quality_checks (
    id UUID NOT NULL,
    check_type VARCHAR(50) NOT NULL,
    source VARCHAR(100) NOT NULL,
    passed BOOLEAN NOT NULL,
    failed_count INTEGER DEFAULT 0,
    details JSONB,
    checked_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_data_quality_checks PRIMARY KEY (id)
);

CREATE TABLE dim_dates (
    id UUID NOT NULL,
    date DATE NOT NULL,
    year INTEGER NOT NULL,
    quarter INTEGER NOT NULL,
    month INTEGER NOT NULL,
    day INTEGER NOT NULL,
    iso_week INTEGER NOT NULL,
    weekday INTEGER NOT NULL,
    is_weekend BOOLEAN NOT NULL,
    CONSTRAINT pk_dim_dates PRIMARY KEY (id),
    CONSTRAINT uq_dim_dates_date UNIQUE (date)
);

CREATE TABLE scheduled_tasks (
    id UUID NOT NULL,
    task_name VARCHAR(100) NOT NULL,
    cron_expression VARCHAR(50),
    last_run TIMESTAMP WITHOUT TIME ZONE,
    next_run TIMESTAMP WITHOUT TIME ZONE,
    is_enabled BOOLEAN DEFAULT TRUE,
    status VARCHAR(20),
    error_message TEXT,
    CONSTRAINT pk_scheduled_tasks PRIMARY KEY (id),
    CONSTRAINT ck_scheduled_tasks_status_known CHECK (status IN ('idle', 'running', 'failed')),
    CONSTRAINT uq_scheduled_tasks_task_name UNIQUE (task_name)
);

CREATE TABLE sports (
    id UUID NOT NULL,
    code VARCHAR(10) NOT NULL,
    name VARCHAR(100) NOT NULL,
    api_key VARCHAR(50),
    is_active BOOLEAN DEFAULT TRUE,
    feature_count INTEGER,
    default_model_id UUID,
    config JSONB,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_sports PRIMARY KEY (id),
    CONSTRAINT uq_sports_code UNIQUE (code)
);

CREATE TABLE sportsbooks (
    id UUID NOT NULL,
    name VARCHAR(100) NOT NULL,
    api_key VARCHAR(50),
    is_sharp BOOLEAN DEFAULT FALSE,
    vig_estimate DOUBLE PRECISION,
    is_active BOOLEAN DEFAULT TRUE,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_sportsbooks PRIMARY KEY (id),
    CONSTRAINT uq_sportsbooks_name UNIQUE (name)
);

CREATE TABLE system_health_snapshots (
    id UUID NOT NULL,
    component VARCHAR(50) NOT NULL,
    status VARCHAR(20) NOT NULL,
    metrics JSONB,
    snapshot_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_system_health_snapshots PRIMARY KEY (id),
    CONSTRAINT ck_system_health_snapshots_status_known CHECK (status IN ('healthy', 'degraded', 'down'))
);

CREATE TABLE users (
    id UUID NOT NULL,
    email VARCHAR(255) NOT NULL,
    hashed_password VARCHAR(255) NOT NULL,
    name VARCHAR(100),
    role VARCHAR(20) DEFAULT 'user' NOT NULL,
    is_active BOOLEAN DEFAULT TRUE,
    two_factor_enabled BOOLEAN DEFAULT FALSE,
    two_factor_secret VARCHAR(255),
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE,
    last_login_at TIMESTAMP WITHOUT TIME ZONE,
    CONSTRAINT pk_users PRIMARY KEY (id),
    CONSTRAINT ck_users_role_known CHECK (role IN ('user', 'pro_user', 'admin', 'super_admin')),
    CONSTRAINT uq_users_email UNIQUE (email)
);

CREATE INDEX idx_users_email ON users (email);

CREATE INDEX idx_users_role ON users (role);

CREATE TABLE venues (
    id UUID NOT NULL,
    name VARCHAR(200) NOT NULL,
    city VARCHAR(100),
    state VARCHAR(50),
    country VARCHAR(50),
    capacity INTEGER,
    surface_type VARCHAR(50),
    is_dome BOOLEAN DEFAULT FALSE,
    timezone VARCHAR(50),
    latitude DOUBLE PRECISION,
    longitude DOUBLE PRECISION,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_venues PRIMARY KEY (id)
);

CREATE TABLE alerts (
    id UUID NOT NULL,
    alert_type VARCHAR(50) NOT NULL,
    severity VARCHAR(20) NOT NULL,
    message TEXT NOT NULL,
    details JSONB,
    is_acknowledged BOOLEAN DEFAULT FALSE,
    acknowledged_by UUID,
    acknowledged_at TIMESTAMP WITHOUT TIME ZONE,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_alerts PRIMARY KEY (id),
    CONSTRAINT ck_alerts_severity_known CHECK (severity IN ('info', 'warning', 'critical')),
    CONSTRAINT fk_alerts_acknowledged_by FOREIGN KEY(acknowledged_by) REFERENCES users (id) ON DELETE SET NULL
);

CREATE TABLE api_keys (
    id UUID NOT NULL,
    user_id UUID,
    key_hash VARCHAR(255) NOT NULL,
    name VARCHAR(100),
    permissions JSONB,
    rate_limit INTEGER DEFAULT 100,
    is_active BOOLEAN DEFAULT TRUE,
    last_used_at TIMESTAMP WITHOUT TIME ZONE,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_api_keys PRIMARY KEY (id),
    CONSTRAINT fk_api_keys_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE audit_logs (
    id UUID NOT NULL,
    user_id UUID,
    action VARCHAR(50) NOT NULL,
    resource VARCHAR(100),
    resource_id VARCHAR(100),
    ip_address INET,
    user_agent TEXT,
    details JSONB,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_audit_logs PRIMARY KEY (id),
    CONSTRAINT fk_audit_logs_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE SET NULL
);

CREATE INDEX idx_audit_logs_action ON audit_logs (action);

CREATE INDEX idx_audit_logs_created_at ON audit_logs (created_at);

CREATE INDEX idx_audit_logs_user_id ON audit_logs (user_id);

CREATE TABLE bankrolls (
    id UUID NOT NULL,
    user_id UUID,
    initial_amount NUMERIC(12, 2) NOT NULL,
    current_amount NUMERIC(12, 2) NOT NULL,
    peak_amount NUMERIC(12, 2),
    low_amount NUMERIC(12, 2),
    currency CHAR(3) DEFAULT 'USD',
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE,
    CONSTRAINT pk_bankrolls PRIMARY KEY (id),
    CONSTRAINT uq_bankrolls_user_id UNIQUE (user_id),
    CONSTRAINT fk_bankrolls_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE RESTRICT
);

CREATE TABLE fact_prediction_runs (
    id UUID NOT NULL,
    sport_id UUID NOT NULL,
    slot TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    as_of TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    mode VARCHAR(20) NOT NULL,
    status VARCHAR(20) NOT NULL,
    started_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    completed_at TIMESTAMP WITHOUT TIME ZONE,
    games_count INTEGER,
    published_count INTEGER,
    abstained_count INTEGER,
    abstentions JSONB,
    versions JSONB,
    journal JSONB,
    error_message TEXT,
    CONSTRAINT pk_fact_prediction_runs PRIMARY KEY (id),
    CONSTRAINT ck_fact_prediction_runs_mode_known CHECK (mode IN ('live', 'backfilled')),
    CONSTRAINT ck_fact_prediction_runs_status_known CHECK (status IN ('running', 'completed', 'failed')),
    CONSTRAINT uq_fact_prediction_runs_sport_id_slot_as_of_mode UNIQUE (sport_id, slot, as_of, mode),
    CONSTRAINT fk_fact_prediction_runs_sport_id FOREIGN KEY(sport_id) REFERENCES sports (id) ON DELETE RESTRICT
);

CREATE TABLE feature_sets (
    id UUID NOT NULL,
    sport_id UUID NOT NULL,
    bet_type VARCHAR(20) NOT NULL,
    name VARCHAR(100) NOT NULL,
    version VARCHAR(64) NOT NULL,
    feature_names JSONB NOT NULL,
    view_ids JSONB NOT NULL,
    is_active BOOLEAN DEFAULT TRUE NOT NULL,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_feature_sets PRIMARY KEY (id),
    CONSTRAINT ck_feature_sets_bet_type_known CHECK (bet_type IN ('spread', 'moneyline', 'total')),
    CONSTRAINT uq_feature_sets_sport_id_bet_type_name_version UNIQUE (sport_id, bet_type, name, version),
    CONSTRAINT fk_feature_sets_sport_id FOREIGN KEY(sport_id) REFERENCES sports (id) ON DELETE RESTRICT
);

CREATE TABLE feature_views (
    id UUID NOT NULL,
    sport_id UUID NOT NULL,
    name VARCHAR(100) NOT NULL,
    version VARCHAR(64) NOT NULL,
    view_group VARCHAR(20) NOT NULL,
    columns JSONB NOT NULL,
    description TEXT,
    is_active BOOLEAN DEFAULT TRUE NOT NULL,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_feature_views PRIMARY KEY (id),
    CONSTRAINT uq_feature_views_sport_id_name_version UNIQUE (sport_id, name, version),
    CONSTRAINT fk_feature_views_sport_id FOREIGN KEY(sport_id) REFERENCES sports (id) ON DELETE RESTRICT
);

CREATE TABLE ml_models (
    id UUID NOT NULL,
    sport_id UUID,
    bet_type VARCHAR(20) NOT NULL,
    framework VARCHAR(20) NOT NULL,
    version VARCHAR(50) NOT NULL,
    file_path VARCHAR(500),
    is_production BOOLEAN DEFAULT FALSE,
    performance_metrics JSONB,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_ml_models PRIMARY KEY (id),
    CONSTRAINT ck_ml_models_bet_type_known CHECK (bet_type IN ('spread', 'moneyline', 'total')),
    CONSTRAINT ck_ml_models_framework_known CHECK (framework IN ('h2o', 'autogluon', 'sklearn', 'ensemble')),
    CONSTRAINT fk_ml_models_sport_id FOREIGN KEY(sport_id) REFERENCES sports (id) ON DELETE RESTRICT
);

CREATE UNIQUE INDEX uq_ml_models_production ON ml_models (sport_id, bet_type) WHERE is_production;

CREATE TABLE seasons (
    id UUID NOT NULL,
    sport_id UUID,
    year INTEGER NOT NULL,
    name VARCHAR(50),
    start_date DATE,
    end_date DATE,
    is_current BOOLEAN DEFAULT FALSE,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_seasons PRIMARY KEY (id),
    CONSTRAINT uq_seasons_sport_id_year UNIQUE (sport_id, year),
    CONSTRAINT fk_seasons_sport_id FOREIGN KEY(sport_id) REFERENCES sports (id) ON DELETE RESTRICT
);

CREATE TABLE sessions (
    id UUID NOT NULL,
    user_id UUID,
    token_hash VARCHAR(255) NOT NULL,
    expires_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    ip_address INET,
    user_agent TEXT,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_sessions PRIMARY KEY (id),
    CONSTRAINT fk_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE system_settings (
    id UUID NOT NULL,
    key VARCHAR(100) NOT NULL,
    value TEXT NOT NULL,
    value_type VARCHAR(20),
    description TEXT,
    updated_at TIMESTAMP WITHOUT TIME ZONE,
    updated_by UUID,
    CONSTRAINT pk_system_settings PRIMARY KEY (id),
    CONSTRAINT ck_system_settings_value_type_known CHECK (value_type IN ('string', 'int', 'float', 'bool', 'json')),
    CONSTRAINT uq_system_settings_key UNIQUE (key),
    CONSTRAINT fk_system_settings_updated_by FOREIGN KEY(updated_by) REFERENCES users (id) ON DELETE SET NULL
);

CREATE TABLE teams (
    id UUID NOT NULL,
    sport_id UUID,
    external_id VARCHAR(50),
    name VARCHAR(100) NOT NULL,
    abbreviation VARCHAR(10) NOT NULL,
    city VARCHAR(100),
    elo_rating DOUBLE PRECISION DEFAULT 1500,
    conference VARCHAR(50),
    division VARCHAR(50),
    is_active BOOLEAN DEFAULT TRUE,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE,
    CONSTRAINT pk_teams PRIMARY KEY (id),
    CONSTRAINT uq_teams_sport_id_abbreviation UNIQUE (sport_id, abbreviation),
    CONSTRAINT fk_teams_sport_id FOREIGN KEY(sport_id) REFERENCES sports (id) ON DELETE RESTRICT
);

CREATE INDEX idx_teams_abbreviation ON teams (abbreviation);

CREATE INDEX idx_teams_sport_id ON teams (sport_id);

CREATE TABLE user_preferences (
    id UUID NOT NULL,
    user_id UUID,
    notification_settings JSONB,
    display_preferences JSONB,
    timezone VARCHAR(50) DEFAULT 'America/New_York',
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE,
    CONSTRAINT pk_user_preferences PRIMARY KEY (id),
    CONSTRAINT uq_user_preferences_user_id UNIQUE (user_id),
    CONSTRAINT fk_user_preferences_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);

CREATE TABLE calibration_models (
    id UUID NOT NULL,
    model_id UUID,
    calibrator_type VARCHAR(20) NOT NULL,
    calibrator_path VARCHAR(500),
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_calibration_models PRIMARY KEY (id),
    CONSTRAINT ck_calibration_models_calibrator_type_known CHECK (calibrator_type IN ('isotonic', 'platt')),
    CONSTRAINT fk_calibration_models_model_id FOREIGN KEY(model_id) REFERENCES ml_models (id) ON DELETE RESTRICT
);

CREATE TABLE dim_models (
    id UUID NOT NULL,
    model_id UUID NOT NULL,
    sport_code VARCHAR(10) NOT NULL,
    bet_type VARCHAR(20) NOT NULL,
    framework VARCHAR(20) NOT NULL,
    version VARCHAR(50) NOT NULL,
    is_production BOOLEAN NOT NULL,
    valid_from TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITHOUT TIME ZONE,
    is_current BOOLEAN NOT NULL,
    CONSTRAINT pk_dim_models PRIMARY KEY (id),
    CONSTRAINT ck_dim_models_bet_type_known CHECK (bet_type IN ('spread', 'moneyline', 'total')),
    CONSTRAINT ck_dim_models_framework_known CHECK (framework IN ('h2o', 'autogluon', 'sklearn', 'ensemble')),
    CONSTRAINT uq_dim_models_model_id_valid_from UNIQUE (model_id, valid_from),
    CONSTRAINT fk_dim_models_model_id FOREIGN KEY(model_id) REFERENCES ml_models (id) ON DELETE RESTRICT
);

CREATE TABLE dim_teams (
    id UUID NOT NULL,
    team_id UUID NOT NULL,
    sport_code VARCHAR(10) NOT NULL,
    name VARCHAR(100) NOT NULL,
    abbreviation VARCHAR(10) NOT NULL,
    conference VARCHAR(50),
    division VARCHAR(50),
    valid_from TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    valid_to TIMESTAMP WITHOUT TIME ZONE,
    is_current BOOLEAN NOT NULL,
    CONSTRAINT pk_dim_teams PRIMARY KEY (id),
    CONSTRAINT uq_dim_teams_team_id_valid_from UNIQUE (team_id, valid_from),
    CONSTRAINT fk_dim_teams_team_id FOREIGN KEY(team_id) REFERENCES teams (id) ON DELETE RESTRICT
);

CREATE TABLE fact_model_promotions (
    id UUID NOT NULL,
    sport_id UUID NOT NULL,
    bet_type VARCHAR(20) NOT NULL,
    model_id UUID NOT NULL,
    previous_model_id UUID,
    action VARCHAR(20) NOT NULL,
    verdict VARCHAR(20),
    reason TEXT,
    actor VARCHAR(255),
    gate JSONB,
    artifact_hash VARCHAR(64),
    decided_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_fact_model_promotions PRIMARY KEY (id),
    CONSTRAINT ck_fact_model_promotions_bet_type_known CHECK (bet_type IN ('spread', 'moneyline', 'total')),
    CONSTRAINT ck_fact_model_promotions_action_known CHECK (action IN ('promote', 'rollback', 'force')),
    CONSTRAINT fk_fact_model_promotions_sport_id FOREIGN KEY(sport_id) REFERENCES sports (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_model_promotions_model_id FOREIGN KEY(model_id) REFERENCES ml_models (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_model_promotions_previous_model_id FOREIGN KEY(previous_model_id) REFERENCES ml_models (id) ON DELETE RESTRICT
);

CREATE TABLE feature_definitions (
    id UUID NOT NULL,
    feature_view_id UUID NOT NULL,
    name VARCHAR(100) NOT NULL,
    position INTEGER NOT NULL,
    dtype VARCHAR(20) NOT NULL,
    description TEXT,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_feature_definitions PRIMARY KEY (id),
    CONSTRAINT uq_feature_definitions_feature_view_id_name UNIQUE (feature_view_id, name),
    CONSTRAINT fk_feature_definitions_feature_view_id FOREIGN KEY(feature_view_id) REFERENCES feature_views (id) ON DELETE RESTRICT
);

CREATE TABLE feature_importance (
    id UUID NOT NULL,
    model_id UUID,
    feature_name VARCHAR(100) NOT NULL,
    importance_score DOUBLE PRECISION NOT NULL,
    importance_rank INTEGER,
    CONSTRAINT pk_feature_importance PRIMARY KEY (id),
    CONSTRAINT uq_feature_importance_model_id_feature_name UNIQUE (model_id, feature_name),
    CONSTRAINT fk_feature_importance_model_id FOREIGN KEY(model_id) REFERENCES ml_models (id) ON DELETE CASCADE
);

CREATE TABLE feature_materializations (
    id UUID NOT NULL,
    feature_set_id UUID NOT NULL,
    status VARCHAR(20) NOT NULL,
    started_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    completed_at TIMESTAMP WITHOUT TIME ZONE,
    first_as_of TIMESTAMP WITHOUT TIME ZONE,
    last_as_of TIMESTAMP WITHOUT TIME ZONE,
    rows_written INTEGER,
    data_hash VARCHAR(64),
    error_message TEXT,
    CONSTRAINT pk_feature_materializations PRIMARY KEY (id),
    CONSTRAINT ck_feature_materializations_status_known CHECK (status IN ('running', 'completed', 'failed')),
    CONSTRAINT fk_feature_materializations_feature_set_id FOREIGN KEY(feature_set_id) REFERENCES feature_sets (id) ON DELETE RESTRICT
);

CREATE TABLE feature_statistics (
    id UUID NOT NULL,
    feature_set_id UUID NOT NULL,
    feature_name VARCHAR(100) NOT NULL,
    window_start TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    window_end TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    row_count INTEGER NOT NULL,
    null_rate DOUBLE PRECISION,
    mean DOUBLE PRECISION,
    std_dev DOUBLE PRECISION,
    minimum DOUBLE PRECISION,
    maximum DOUBLE PRECISION,
    quantiles JSONB,
    computed_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_feature_statistics PRIMARY KEY (id),
    CONSTRAINT ck_feature_statistics_null_rate_within_unit CHECK (null_rate >= 0 AND null_rate <= 1),
    CONSTRAINT uq_feature_statistics_window UNIQUE (feature_set_id, feature_name, window_start, window_end),
    CONSTRAINT fk_feature_statistics_feature_set_id FOREIGN KEY(feature_set_id) REFERENCES feature_sets (id) ON DELETE RESTRICT
);

CREATE TABLE games (
    id UUID NOT NULL,
    sport_id UUID,
    season_id UUID,
    external_id VARCHAR(50),
    home_team_id UUID,
    away_team_id UUID,
    venue_id UUID,
    game_date TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    week INTEGER,
    status VARCHAR(20) DEFAULT 'scheduled',
    home_score INTEGER,
    away_score INTEGER,
    overtime BOOLEAN DEFAULT FALSE,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE,
    CONSTRAINT pk_games PRIMARY KEY (id),
    CONSTRAINT ck_games_status_known CHECK (status IN ('scheduled', 'in_progress', 'final', 'postponed', 'cancelled')),
    CONSTRAINT fk_games_sport_id FOREIGN KEY(sport_id) REFERENCES sports (id) ON DELETE RESTRICT,
    CONSTRAINT fk_games_season_id FOREIGN KEY(season_id) REFERENCES seasons (id) ON DELETE RESTRICT,
    CONSTRAINT uq_games_external_id UNIQUE (external_id),
    CONSTRAINT fk_games_home_team_id FOREIGN KEY(home_team_id) REFERENCES teams (id) ON DELETE RESTRICT,
    CONSTRAINT fk_games_away_team_id FOREIGN KEY(away_team_id) REFERENCES teams (id) ON DELETE RESTRICT,
    CONSTRAINT fk_games_venue_id FOREIGN KEY(venue_id) REFERENCES venues (id) ON DELETE RESTRICT
);

CREATE INDEX idx_games_game_date ON games (game_date);

CREATE INDEX idx_games_sport_id ON games (sport_id);

CREATE INDEX idx_games_status ON games (status);

CREATE INDEX idx_games_teams ON games (home_team_id, away_team_id);

CREATE TABLE model_performance (
    id UUID NOT NULL,
    model_id UUID,
    date DATE NOT NULL,
    accuracy DOUBLE PRECISION,
    auc DOUBLE PRECISION,
    log_loss DOUBLE PRECISION,
    brier_score DOUBLE PRECISION,
    calibration_error DOUBLE PRECISION,
    predictions_count INTEGER,
    CONSTRAINT pk_model_performance PRIMARY KEY (id),
    CONSTRAINT uq_model_performance_model_id_date UNIQUE (model_id, date),
    CONSTRAINT fk_model_performance_model_id FOREIGN KEY(model_id) REFERENCES ml_models (id) ON DELETE RESTRICT
);

CREATE TABLE players (
    id UUID NOT NULL,
    team_id UUID,
    external_id VARCHAR(50),
    name VARCHAR(100) NOT NULL,
    position VARCHAR(20),
    jersey_number INTEGER,
    is_active BOOLEAN DEFAULT TRUE,
    birth_date DATE,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE,
    CONSTRAINT pk_players PRIMARY KEY (id),
    CONSTRAINT fk_players_team_id FOREIGN KEY(team_id) REFERENCES teams (id) ON DELETE SET NULL
);

CREATE TABLE team_stats (
    id UUID NOT NULL,
    team_id UUID,
    season_id UUID,
    stat_type VARCHAR(50) NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    games_played INTEGER,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE,
    CONSTRAINT pk_team_stats PRIMARY KEY (id),
    CONSTRAINT uq_team_stats_team_id_season_id_stat_type UNIQUE (team_id, season_id, stat_type),
    CONSTRAINT fk_team_stats_team_id FOREIGN KEY(team_id) REFERENCES teams (id) ON DELETE RESTRICT,
    CONSTRAINT fk_team_stats_season_id FOREIGN KEY(season_id) REFERENCES seasons (id) ON DELETE RESTRICT
);

CREATE TABLE training_datasets (
    id UUID NOT NULL,
    feature_set_id UUID NOT NULL,
    data_hash VARCHAR(64) NOT NULL,
    row_count INTEGER NOT NULL,
    first_as_of TIMESTAMP WITHOUT TIME ZONE,
    last_as_of TIMESTAMP WITHOUT TIME ZONE,
    file_path VARCHAR(500),
    details JSONB,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_training_datasets PRIMARY KEY (id),
    CONSTRAINT uq_training_datasets_feature_set_id_data_hash UNIQUE (feature_set_id, data_hash),
    CONSTRAINT fk_training_datasets_feature_set_id FOREIGN KEY(feature_set_id) REFERENCES feature_sets (id) ON DELETE RESTRICT
);

CREATE TABLE training_runs (
    id UUID NOT NULL,
    model_id UUID,
    started_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    completed_at TIMESTAMP WITHOUT TIME ZONE,
    status VARCHAR(20) NOT NULL,
    hyperparameters JSONB,
    validation_metrics JSONB,
    training_data_hash VARCHAR(64),
    error_message TEXT,
    CONSTRAINT pk_training_runs PRIMARY KEY (id),
    CONSTRAINT ck_training_runs_status_known CHECK (status IN ('running', 'completed', 'failed')),
    CONSTRAINT fk_training_runs_model_id FOREIGN KEY(model_id) REFERENCES ml_models (id) ON DELETE RESTRICT
);

CREATE TABLE closing_lines (
    id UUID NOT NULL,
    game_id UUID,
    sportsbook_id UUID,
    market_type VARCHAR(20) NOT NULL,
    selection VARCHAR(20) NOT NULL,
    closing_line DOUBLE PRECISION,
    closing_price INTEGER,
    closed_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_closing_lines PRIMARY KEY (id),
    CONSTRAINT ck_closing_lines_market_type_known CHECK (market_type IN ('spread', 'moneyline', 'total')),
    CONSTRAINT ck_closing_lines_selection_known CHECK (selection IN ('home', 'away', 'over', 'under', 'draw')),
    CONSTRAINT ck_closing_lines_closing_price_american CHECK (closing_price >= 100 OR closing_price <= -100),
    CONSTRAINT uq_closing_lines_side UNIQUE (game_id, sportsbook_id, market_type, selection),
    CONSTRAINT fk_closing_lines_game_id FOREIGN KEY(game_id) REFERENCES games (id) ON DELETE RESTRICT,
    CONSTRAINT fk_closing_lines_sportsbook_id FOREIGN KEY(sportsbook_id) REFERENCES sportsbooks (id) ON DELETE RESTRICT
);

CREATE TABLE consensus_lines (
    id UUID NOT NULL,
    game_id UUID,
    market_type VARCHAR(20) NOT NULL,
    consensus_line DOUBLE PRECISION,
    consensus_price INTEGER,
    books_count INTEGER,
    calculated_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_consensus_lines PRIMARY KEY (id),
    CONSTRAINT ck_consensus_lines_market_type_known CHECK (market_type IN ('spread', 'moneyline', 'total')),
    CONSTRAINT ck_consensus_lines_consensus_price_american CHECK (consensus_price >= 100 OR consensus_price <= -100),
    CONSTRAINT fk_consensus_lines_game_id FOREIGN KEY(game_id) REFERENCES games (id) ON DELETE RESTRICT
);

CREATE TABLE fact_odds (
    id UUID NOT NULL,
    game_id UUID NOT NULL,
    sportsbook_id UUID NOT NULL,
    market_type VARCHAR(20) NOT NULL,
    selection VARCHAR(20) NOT NULL,
    opening_line DOUBLE PRECISION,
    opening_price INTEGER,
    opening_at TIMESTAMP WITHOUT TIME ZONE,
    closing_line DOUBLE PRECISION,
    closing_price INTEGER,
    closed_at TIMESTAMP WITHOUT TIME ZONE,
    quotes_count INTEGER NOT NULL,
    CONSTRAINT pk_fact_odds PRIMARY KEY (id),
    CONSTRAINT ck_fact_odds_market_type_known CHECK (market_type IN ('spread', 'moneyline', 'total')),
    CONSTRAINT ck_fact_odds_selection_known CHECK (selection IN ('home', 'away', 'over', 'under', 'draw')),
    CONSTRAINT ck_fact_odds_opening_price_american CHECK (opening_price >= 100 OR opening_price <= -100),
    CONSTRAINT ck_fact_odds_closing_price_american CHECK (closing_price >= 100 OR closing_price <= -100),
    CONSTRAINT uq_fact_odds_side UNIQUE (game_id, sportsbook_id, market_type, selection),
    CONSTRAINT fk_fact_odds_game_id FOREIGN KEY(game_id) REFERENCES games (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_odds_sportsbook_id FOREIGN KEY(sportsbook_id) REFERENCES sportsbooks (id) ON DELETE RESTRICT
);

CREATE TABLE fact_player_games (
    id UUID NOT NULL,
    player_id UUID NOT NULL,
    game_id UUID NOT NULL,
    team_id UUID NOT NULL,
    stats JSONB,
    minutes DOUBLE PRECISION,
    known_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_fact_player_games PRIMARY KEY (id),
    CONSTRAINT uq_fact_player_games_player_id_game_id UNIQUE (player_id, game_id),
    CONSTRAINT fk_fact_player_games_player_id FOREIGN KEY(player_id) REFERENCES players (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_player_games_game_id FOREIGN KEY(game_id) REFERENCES games (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_player_games_team_id FOREIGN KEY(team_id) REFERENCES teams (id) ON DELETE RESTRICT
);

CREATE TABLE fact_team_games (
    id UUID NOT NULL,
    team_id UUID NOT NULL,
    game_id UUID NOT NULL,
    opponent_id UUID NOT NULL,
    is_home BOOLEAN NOT NULL,
    points_for INTEGER,
    points_against INTEGER,
    stats JSONB,
    known_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_fact_team_games PRIMARY KEY (id),
    CONSTRAINT uq_fact_team_games_team_id_game_id UNIQUE (team_id, game_id),
    CONSTRAINT fk_fact_team_games_team_id FOREIGN KEY(team_id) REFERENCES teams (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_team_games_game_id FOREIGN KEY(game_id) REFERENCES games (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_team_games_opponent_id FOREIGN KEY(opponent_id) REFERENCES teams (id) ON DELETE RESTRICT
);

CREATE TABLE feature_vectors (
    id UUID NOT NULL,
    feature_set_id UUID NOT NULL,
    game_id UUID NOT NULL,
    as_of TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    feature_values DOUBLE PRECISION[] NOT NULL,
    vector_hash VARCHAR(64) NOT NULL,
    materialization_id UUID,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_feature_vectors PRIMARY KEY (id),
    CONSTRAINT uq_feature_vectors_feature_set_id_game_id_as_of UNIQUE (feature_set_id, game_id, as_of),
    CONSTRAINT fk_feature_vectors_feature_set_id FOREIGN KEY(feature_set_id) REFERENCES feature_sets (id) ON DELETE RESTRICT,
    CONSTRAINT fk_feature_vectors_game_id FOREIGN KEY(game_id) REFERENCES games (id) ON DELETE RESTRICT,
    CONSTRAINT fk_feature_vectors_materialization_id FOREIGN KEY(materialization_id) REFERENCES feature_materializations (id) ON DELETE RESTRICT
);

CREATE TABLE game_revisions (
    id UUID NOT NULL,
    game_id UUID NOT NULL,
    revision INTEGER NOT NULL,
    source VARCHAR(50) NOT NULL,
    source_game_id VARCHAR(100) NOT NULL,
    season_type VARCHAR(20),
    week INTEGER,
    game_number INTEGER,
    venue_id UUID,
    neutral_site BOOLEAN,
    kickoff_estimated BOOLEAN,
    game_date TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    status VARCHAR(20) NOT NULL,
    home_score INTEGER,
    away_score INTEGER,
    overtime BOOLEAN,
    known_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_game_revisions PRIMARY KEY (id),
    CONSTRAINT ck_game_revisions_status_known CHECK (status IN ('scheduled', 'in_progress', 'final', 'postponed', 'cancelled')),
    CONSTRAINT ck_game_revisions_season_type_known CHECK (season_type IN ('regular', 'postseason', 'preseason')),
    CONSTRAINT uq_game_revisions_game_id_revision UNIQUE (game_id, revision),
    CONSTRAINT fk_game_revisions_game_id FOREIGN KEY(game_id) REFERENCES games (id) ON DELETE RESTRICT,
    CONSTRAINT fk_game_revisions_venue_id FOREIGN KEY(venue_id) REFERENCES venues (id) ON DELETE RESTRICT
);

CREATE INDEX ix_game_revisions_game_id_known_at ON game_revisions (game_id, known_at);

CREATE TABLE odds (
    id UUID NOT NULL,
    game_id UUID,
    sportsbook_id UUID,
    market_type VARCHAR(20) NOT NULL,
    selection VARCHAR(20) NOT NULL,
    price INTEGER NOT NULL,
    line DOUBLE PRECISION,
    recorded_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    is_current BOOLEAN DEFAULT TRUE,
    CONSTRAINT pk_odds PRIMARY KEY (id),
    CONSTRAINT ck_odds_market_type_known CHECK (market_type IN ('spread', 'moneyline', 'total')),
    CONSTRAINT ck_odds_selection_known CHECK (selection IN ('home', 'away', 'over', 'under', 'draw')),
    CONSTRAINT ck_odds_price_american CHECK (price >= 100 OR price <= -100),
    CONSTRAINT fk_odds_game_id FOREIGN KEY(game_id) REFERENCES games (id) ON DELETE RESTRICT,
    CONSTRAINT fk_odds_sportsbook_id FOREIGN KEY(sportsbook_id) REFERENCES sportsbooks (id) ON DELETE RESTRICT
);

CREATE INDEX idx_odds_current ON odds (game_id, is_current) WHERE is_current = TRUE;

CREATE INDEX idx_odds_game_id ON odds (game_id);

CREATE INDEX idx_odds_recorded_at ON odds (recorded_at);

CREATE TABLE odds_movements (
    id UUID NOT NULL,
    game_id UUID,
    sportsbook_id UUID,
    market_type VARCHAR(20) NOT NULL,
    old_line DOUBLE PRECISION,
    new_line DOUBLE PRECISION,
    old_price INTEGER,
    new_price INTEGER,
    movement_size DOUBLE PRECISION,
    detected_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_odds_movements PRIMARY KEY (id),
    CONSTRAINT ck_odds_movements_market_type_known CHECK (market_type IN ('spread', 'moneyline', 'total')),
    CONSTRAINT ck_odds_movements_old_price_american CHECK (old_price >= 100 OR old_price <= -100),
    CONSTRAINT ck_odds_movements_new_price_american CHECK (new_price >= 100 OR new_price <= -100),
    CONSTRAINT fk_odds_movements_game_id FOREIGN KEY(game_id) REFERENCES games (id) ON DELETE RESTRICT,
    CONSTRAINT fk_odds_movements_sportsbook_id FOREIGN KEY(sportsbook_id) REFERENCES sportsbooks (id) ON DELETE RESTRICT
);

CREATE TABLE player_props (
    id UUID NOT NULL,
    game_id UUID,
    player_id UUID,
    prop_type VARCHAR(50) NOT NULL,
    predicted_value DOUBLE PRECISION,
    over_probability DOUBLE PRECISION,
    under_probability DOUBLE PRECISION,
    line DOUBLE PRECISION,
    signal_tier CHAR(1),
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_player_props PRIMARY KEY (id),
    CONSTRAINT ck_player_props_signal_tier_known CHECK (signal_tier IN ('A', 'B', 'C', 'D')),
    CONSTRAINT ck_player_props_over_probability_within_unit CHECK (over_probability >= 0 AND over_probability <= 1),
    CONSTRAINT ck_player_props_under_probability_within_unit CHECK (under_probability >= 0 AND under_probability <= 1),
    CONSTRAINT fk_player_props_game_id FOREIGN KEY(game_id) REFERENCES games (id) ON DELETE RESTRICT,
    CONSTRAINT fk_player_props_player_id FOREIGN KEY(player_id) REFERENCES players (id) ON DELETE RESTRICT
);

CREATE TABLE player_stats (
    id UUID NOT NULL,
    player_id UUID,
    season_id UUID,
    stat_type VARCHAR(50) NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    games_played INTEGER,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITHOUT TIME ZONE,
    CONSTRAINT pk_player_stats PRIMARY KEY (id),
    CONSTRAINT uq_player_stats_player_id_season_id_stat_type UNIQUE (player_id, season_id, stat_type),
    CONSTRAINT fk_player_stats_player_id FOREIGN KEY(player_id) REFERENCES players (id) ON DELETE RESTRICT,
    CONSTRAINT fk_player_stats_season_id FOREIGN KEY(season_id) REFERENCES seasons (id) ON DELETE RESTRICT
);

CREATE TABLE predictions (
    id UUID NOT NULL,
    game_id UUID,
    model_id UUID,
    bet_type VARCHAR(20) NOT NULL,
    predicted_side VARCHAR(20) NOT NULL,
    probability DOUBLE PRECISION NOT NULL,
    edge DOUBLE PRECISION,
    signal_tier CHAR(1) NOT NULL,
    kelly_fraction DOUBLE PRECISION,
    line_at_prediction DOUBLE PRECISION,
    odds_at_prediction INTEGER,
    prediction_hash VARCHAR(64),
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_predictions PRIMARY KEY (id),
    CONSTRAINT ck_predictions_bet_type_known CHECK (bet_type IN ('spread', 'moneyline', 'total')),
    CONSTRAINT ck_predictions_predicted_side_known CHECK (predicted_side IN ('home', 'away', 'over', 'under', 'draw')),
    CONSTRAINT ck_predictions_signal_tier_known CHECK (signal_tier IN ('A', 'B', 'C', 'D')),
    CONSTRAINT ck_predictions_probability_within_unit CHECK (probability >= 0 AND probability <= 1),
    CONSTRAINT ck_predictions_kelly_fraction_within_unit CHECK (kelly_fraction >= 0 AND kelly_fraction <= 1),
    CONSTRAINT ck_predictions_odds_at_prediction_american CHECK (odds_at_prediction >= 100 OR odds_at_prediction <= -100),
    CONSTRAINT fk_predictions_game_id FOREIGN KEY(game_id) REFERENCES games (id) ON DELETE RESTRICT,
    CONSTRAINT fk_predictions_model_id FOREIGN KEY(model_id) REFERENCES ml_models (id) ON DELETE RESTRICT,
    CONSTRAINT uq_predictions_prediction_hash UNIQUE (prediction_hash)
);

CREATE INDEX idx_predictions_created_at ON predictions (created_at);

CREATE INDEX idx_predictions_game_id ON predictions (game_id);

CREATE INDEX idx_predictions_signal_tier ON predictions (signal_tier);

CREATE TABLE team_ratings (
    id UUID NOT NULL,
    team_id UUID NOT NULL,
    game_id UUID NOT NULL,
    rating_type VARCHAR(20) NOT NULL,
    rating DOUBLE PRECISION NOT NULL,
    as_of TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_team_ratings PRIMARY KEY (id),
    CONSTRAINT uq_team_ratings_team_id_rating_type_game_id UNIQUE (team_id, rating_type, game_id),
    CONSTRAINT fk_team_ratings_team_id FOREIGN KEY(team_id) REFERENCES teams (id) ON DELETE RESTRICT,
    CONSTRAINT fk_team_ratings_game_id FOREIGN KEY(game_id) REFERENCES games (id) ON DELETE RESTRICT
);

CREATE TABLE bets (
    id UUID NOT NULL,
    user_id UUID,
    prediction_id UUID,
    bankroll_id UUID,
    stake NUMERIC(10, 2) NOT NULL,
    odds INTEGER NOT NULL,
    bet_type VARCHAR(20) NOT NULL,
    sportsbook VARCHAR(100),
    placed_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    result VARCHAR(10),
    profit_loss NUMERIC(10, 2),
    settled_at TIMESTAMP WITHOUT TIME ZONE,
    CONSTRAINT pk_bets PRIMARY KEY (id),
    CONSTRAINT ck_bets_bet_type_known CHECK (bet_type IN ('spread', 'moneyline', 'total')),
    CONSTRAINT ck_bets_result_known CHECK (result IN ('win', 'loss', 'push', 'half_win', 'half_loss', 'void', 'pending')),
    CONSTRAINT ck_bets_odds_american CHECK (odds >= 100 OR odds <= -100),
    CONSTRAINT fk_bets_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE RESTRICT,
    CONSTRAINT fk_bets_prediction_id FOREIGN KEY(prediction_id) REFERENCES predictions (id) ON DELETE RESTRICT,
    CONSTRAINT fk_bets_bankroll_id FOREIGN KEY(bankroll_id) REFERENCES bankrolls (id) ON DELETE RESTRICT
);

CREATE INDEX idx_bets_placed_at ON bets (placed_at);

CREATE INDEX idx_bets_result ON bets (result);

CREATE INDEX idx_bets_user_id ON bets (user_id);

CREATE TABLE fact_player_props (
    id UUID NOT NULL,
    player_prop_id UUID,
    game_id UUID NOT NULL,
    player_id UUID NOT NULL,
    prop_type VARCHAR(50) NOT NULL,
    line DOUBLE PRECISION NOT NULL,
    sportsbook_id UUID,
    over_price INTEGER,
    under_price INTEGER,
    as_of TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    model_id UUID,
    predicted_value DOUBLE PRECISION,
    over_probability DOUBLE PRECISION,
    under_probability DOUBLE PRECISION,
    prediction_hash VARCHAR(64),
    actual_value DOUBLE PRECISION,
    result VARCHAR(10),
    graded_at TIMESTAMP WITHOUT TIME ZONE,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_fact_player_props PRIMARY KEY (id),
    CONSTRAINT ck_fact_player_props_result_known CHECK (result IN ('win', 'loss', 'push', 'half_win', 'half_loss', 'void', 'pending')),
    CONSTRAINT ck_fact_player_props_over_price_american CHECK (over_price >= 100 OR over_price <= -100),
    CONSTRAINT ck_fact_player_props_under_price_american CHECK (under_price >= 100 OR under_price <= -100),
    CONSTRAINT ck_fact_player_props_over_probability_within_unit CHECK (over_probability >= 0 AND over_probability <= 1),
    CONSTRAINT ck_fact_player_props_under_probability_within_unit CHECK (under_probability >= 0 AND under_probability <= 1),
    CONSTRAINT fk_fact_player_props_player_prop_id FOREIGN KEY(player_prop_id) REFERENCES player_props (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_player_props_game_id FOREIGN KEY(game_id) REFERENCES games (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_player_props_player_id FOREIGN KEY(player_id) REFERENCES players (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_player_props_sportsbook_id FOREIGN KEY(sportsbook_id) REFERENCES sportsbooks (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_player_props_model_id FOREIGN KEY(model_id) REFERENCES ml_models (id) ON DELETE RESTRICT,
    CONSTRAINT uq_fact_player_props_prediction_hash UNIQUE (prediction_hash)
);

CREATE TABLE fact_predictions (
    id UUID NOT NULL,
    seq BIGINT NOT NULL,
    run_id UUID NOT NULL,
    prediction_id UUID NOT NULL,
    game_id UUID NOT NULL,
    model_id UUID NOT NULL,
    bet_type VARCHAR(20) NOT NULL,
    predicted_side VARCHAR(20) NOT NULL,
    probability DOUBLE PRECISION NOT NULL,
    edge DOUBLE PRECISION,
    kelly_fraction DOUBLE PRECISION,
    signal_tier CHAR(1) NOT NULL,
    line_at_prediction DOUBLE PRECISION,
    odds_at_prediction INTEGER,
    as_of TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    sportsbook_id UUID,
    ev DOUBLE PRECISION,
    push_probability DOUBLE PRECISION,
    probability_low DOUBLE PRECISION,
    probability_high DOUBLE PRECISION,
    fair_probability DOUBLE PRECISION,
    model_probability DOUBLE PRECISION,
    calibrated_probability DOUBLE PRECISION,
    calibration_version VARCHAR(64),
    blend_version VARCHAR(64),
    prediction_hash VARCHAR(64) NOT NULL,
    prev_hash VARCHAR(64) NOT NULL,
    chain_hash VARCHAR(64) NOT NULL,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_fact_predictions PRIMARY KEY (id),
    CONSTRAINT ck_fact_predictions_bet_type_known CHECK (bet_type IN ('spread', 'moneyline', 'total')),
    CONSTRAINT ck_fact_predictions_predicted_side_known CHECK (predicted_side IN ('home', 'away', 'over', 'under', 'draw')),
    CONSTRAINT ck_fact_predictions_signal_tier_known CHECK (signal_tier IN ('A', 'B', 'C', 'D')),
    CONSTRAINT ck_fact_predictions_odds_at_prediction_american CHECK (odds_at_prediction >= 100 OR odds_at_prediction <= -100),
    CONSTRAINT ck_fact_predictions_probability_within_unit CHECK (probability >= 0 AND probability <= 1),
    CONSTRAINT ck_fact_predictions_kelly_fraction_within_unit CHECK (kelly_fraction >= 0 AND kelly_fraction <= 1),
    CONSTRAINT ck_fact_predictions_push_probability_within_unit CHECK (push_probability >= 0 AND push_probability <= 1),
    CONSTRAINT ck_fact_predictions_probability_low_within_unit CHECK (probability_low >= 0 AND probability_low <= 1),
    CONSTRAINT ck_fact_predictions_probability_high_within_unit CHECK (probability_high >= 0 AND probability_high <= 1),
    CONSTRAINT ck_fact_predictions_fair_probability_within_unit CHECK (fair_probability >= 0 AND fair_probability <= 1),
    CONSTRAINT ck_fact_predictions_model_probability_within_unit CHECK (model_probability >= 0 AND model_probability <= 1),
    CONSTRAINT ck_fact_predictions_calibrated_probability_within_unit CHECK (calibrated_probability >= 0 AND calibrated_probability <= 1),
    CONSTRAINT uq_fact_predictions_seq UNIQUE (seq),
    CONSTRAINT fk_fact_predictions_run_id FOREIGN KEY(run_id) REFERENCES fact_prediction_runs (id) ON DELETE RESTRICT,
    CONSTRAINT uq_fact_predictions_prediction_id UNIQUE (prediction_id),
    CONSTRAINT fk_fact_predictions_prediction_id FOREIGN KEY(prediction_id) REFERENCES predictions (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_predictions_game_id FOREIGN KEY(game_id) REFERENCES games (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_predictions_model_id FOREIGN KEY(model_id) REFERENCES ml_models (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_predictions_sportsbook_id FOREIGN KEY(sportsbook_id) REFERENCES sportsbooks (id) ON DELETE RESTRICT,
    CONSTRAINT uq_fact_predictions_prediction_hash UNIQUE (prediction_hash),
    CONSTRAINT uq_fact_predictions_chain_hash UNIQUE (chain_hash)
);

CREATE TABLE prediction_results (
    id UUID NOT NULL,
    prediction_id UUID,
    actual_result VARCHAR(10),
    profit_loss DOUBLE PRECISION,
    clv DOUBLE PRECISION,
    closing_line DOUBLE PRECISION,
    graded_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_prediction_results PRIMARY KEY (id),
    CONSTRAINT ck_prediction_results_actual_result_known CHECK (actual_result IN ('win', 'loss', 'push', 'half_win', 'half_loss', 'void', 'pending')),
    CONSTRAINT uq_prediction_results_prediction_id UNIQUE (prediction_id),
    CONSTRAINT fk_prediction_results_prediction_id FOREIGN KEY(prediction_id) REFERENCES predictions (id) ON DELETE RESTRICT
);

CREATE TABLE shap_explanations (
    id UUID NOT NULL,
    prediction_id UUID,
    feature_name VARCHAR(100) NOT NULL,
    feature_value DOUBLE PRECISION,
    shap_value DOUBLE PRECISION NOT NULL,
    impact_direction VARCHAR(10),
    rank INTEGER,
    CONSTRAINT pk_shap_explanations PRIMARY KEY (id),
    CONSTRAINT ck_shap_explanations_impact_direction_known CHECK (impact_direction IN ('positive', 'negative')),
    CONSTRAINT uq_shap_explanations_prediction_id_feature_name UNIQUE (prediction_id, feature_name),
    CONSTRAINT fk_shap_explanations_prediction_id FOREIGN KEY(prediction_id) REFERENCES predictions (id) ON DELETE CASCADE
);

CREATE TABLE bankroll_transactions (
    id UUID NOT NULL,
    bankroll_id UUID,
    type VARCHAR(20) NOT NULL,
    amount NUMERIC(10, 2) NOT NULL,
    balance_after NUMERIC(12, 2) NOT NULL,
    description TEXT,
    bet_id UUID,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_bankroll_transactions PRIMARY KEY (id),
    CONSTRAINT ck_bankroll_transactions_type_known CHECK (type IN ('deposit', 'withdrawal', 'bet', 'win', 'refund', 'correction')),
    CONSTRAINT fk_bankroll_transactions_bankroll_id FOREIGN KEY(bankroll_id) REFERENCES bankrolls (id) ON DELETE RESTRICT,
    CONSTRAINT fk_bankroll_transactions_bet_id FOREIGN KEY(bet_id) REFERENCES bets (id) ON DELETE RESTRICT
);

CREATE TABLE fact_bets (
    id UUID NOT NULL,
    prediction_id UUID,
    bet_id UUID,
    user_id UUID,
    game_id UUID NOT NULL,
    model_id UUID,
    sportsbook_id UUID,
    bet_type VARCHAR(20) NOT NULL,
    side VARCHAR(20) NOT NULL,
    line DOUBLE PRECISION,
    price INTEGER,
    stake_units DOUBLE PRECISION NOT NULL,
    result VARCHAR(10),
    profit_units DOUBLE PRECISION,
    closing_line DOUBLE PRECISION,
    closing_price INTEGER,
    clv_price DOUBLE PRECISION,
    clv_probability DOUBLE PRECISION,
    clv_points DOUBLE PRECISION,
    clv_ev DOUBLE PRECISION,
    placed_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    graded_at TIMESTAMP WITHOUT TIME ZONE,
    created_at TIMESTAMP WITHOUT TIME ZONE NOT NULL,
    CONSTRAINT pk_fact_bets PRIMARY KEY (id),
    CONSTRAINT ck_fact_bets_bet_type_known CHECK (bet_type IN ('spread', 'moneyline', 'total')),
    CONSTRAINT ck_fact_bets_side_known CHECK (side IN ('home', 'away', 'over', 'under', 'draw')),
    CONSTRAINT ck_fact_bets_result_known CHECK (result IN ('win', 'loss', 'push', 'half_win', 'half_loss', 'void', 'pending')),
    CONSTRAINT ck_fact_bets_price_american CHECK (price >= 100 OR price <= -100),
    CONSTRAINT ck_fact_bets_closing_price_american CHECK (closing_price >= 100 OR closing_price <= -100),
    CONSTRAINT uq_fact_bets_prediction_id UNIQUE (prediction_id),
    CONSTRAINT fk_fact_bets_prediction_id FOREIGN KEY(prediction_id) REFERENCES predictions (id) ON DELETE RESTRICT,
    CONSTRAINT uq_fact_bets_bet_id UNIQUE (bet_id),
    CONSTRAINT fk_fact_bets_bet_id FOREIGN KEY(bet_id) REFERENCES bets (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_bets_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_bets_game_id FOREIGN KEY(game_id) REFERENCES games (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_bets_model_id FOREIGN KEY(model_id) REFERENCES ml_models (id) ON DELETE RESTRICT,
    CONSTRAINT fk_fact_bets_sportsbook_id FOREIGN KEY(sportsbook_id) REFERENCES sportsbooks (id) ON DELETE RESTRICT
);

ALTER TABLE sports ADD CONSTRAINT fk_sports_default_model_id FOREIGN KEY(default_model_id) REFERENCES ml_models (id) ON DELETE SET NULL;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = 'restrict_violation',
        MESSAGE = TG_TABLE_NAME || ' is append-only: ' || TG_OP || ' refused',
        HINT = 'add a row that says what is true now';
END
$$;

CREATE FUNCTION ledger_clock() RETURNS timestamp LANGUAGE sql VOLATILE AS $$
    SELECT pg_catalog.clock_timestamp() AT TIME ZONE 'UTC'
$$;

CREATE FUNCTION guard_prediction_run() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    kept jsonb := coalesce(OLD.journal, '[]');
    said jsonb := coalesce(NEW.journal, '[]');
BEGIN
    IF (NEW.id, NEW.sport_id, NEW.slot, NEW.as_of, NEW.mode, NEW.started_at)
            IS DISTINCT FROM (OLD.id, OLD.sport_id, OLD.slot, OLD.as_of, OLD.mode, OLD.started_at)
        OR (OLD.versions IS NOT NULL AND NEW.versions IS DISTINCT FROM OLD.versions) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'restrict_violation',
            MESSAGE = 'fact_prediction_runs: slot, as_of, mode and versions of run ' || OLD.id || ' never change',
            HINT = 'another decision is another run';
    END IF;
    IF OLD.status = 'completed' AND (
        to_jsonb(NEW) - 'journal' IS DISTINCT FROM to_jsonb(OLD) - 'journal'
        OR kept <> coalesce((SELECT jsonb_agg(entry ORDER BY place)
                             FROM jsonb_array_elements(said) WITH ORDINALITY AS entries(entry, place)
                             WHERE place <= jsonb_array_length(kept)), '[]')
    ) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'restrict_violation',
            MESSAGE = 'fact_prediction_runs: run ' || OLD.id || ' is finished: only its journal may grow',
            HINT = 'add an entry to its journal';
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION guard_published() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    SELECT a.seq, a.game_id, r.as_of = a.as_of AS same, k.kickoff INTO wrong
    FROM added a
    JOIN public.fact_prediction_runs r ON r.id = a.run_id
    JOIN public.games g ON g.id = a.game_id
    CROSS JOIN LATERAL (
        SELECT least(g.game_date, (SELECT v.game_date FROM public.game_revisions v WHERE v.game_id = a.game_id
                                   ORDER BY v.revision DESC LIMIT 1)) AS kickoff) k
    WHERE r.as_of <> a.as_of
        OR (r.mode = 'live' AND greatest(a.as_of, a.created_at, public.ledger_clock()) >= k.kickoff)
    ORDER BY a.seq LIMIT 1;
    IF FOUND AND wrong.same THEN
        RAISE EXCEPTION USING
            ERRCODE = 'restrict_violation',
            MESSAGE = 'fact_predictions: game ' || wrong.game_id || ' kicked off at ' || wrong.kickoff
                || ' UTC: a live prediction must be stored before',
            HINT = 'what is computed later belongs to a back-filled run';
    ELSIF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'restrict_violation',
            MESSAGE = 'fact_predictions: row ' || wrong.seq || ' was not decided at the as_of of its run';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER fact_predictions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON fact_predictions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER game_revisions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON game_revisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER predictions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON predictions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER shap_explanations_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON shap_explanations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER fact_prediction_runs_never_deleted BEFORE DELETE OR TRUNCATE ON fact_prediction_runs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TRIGGER fact_prediction_runs_finished BEFORE UPDATE ON fact_prediction_runs
    FOR EACH ROW EXECUTE FUNCTION guard_prediction_run();

CREATE TRIGGER fact_predictions_before_kickoff AFTER INSERT ON fact_predictions
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION guard_published();

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'aipro_app') THEN
        BEGIN
            CREATE ROLE aipro_app NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this server was migrated at the same moment
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'role aipro_app is missing and may not be created here: no rights were granted';
                RETURN;
        END;
    END IF;
    GRANT USAGE ON SCHEMA public TO aipro_app;
    GRANT SELECT, INSERT, UPDATE, DELETE ON
        alerts,
        api_keys,
        bankroll_transactions,
        bankrolls,
        bets,
        calibration_models,
        closing_lines,
        consensus_lines,
        data_quality_checks,
        dim_dates,
        dim_models,
        dim_teams,
        fact_bets,
        fact_model_promotions,
        fact_odds,
        fact_player_games,
        fact_player_props,
        fact_team_games,
        feature_definitions,
        feature_importance,
        feature_materializations,
        feature_sets,
        feature_statistics,
        feature_vectors,
        feature_views,
        games,
        ml_models,
        model_performance,
        odds,
        odds_movements,
        player_props,
        player_stats,
        players,
        prediction_results,
        scheduled_tasks,
        seasons,
        sessions,
        sports,
        sportsbooks,
        system_health_snapshots,
        system_settings,
        team_ratings,
        team_stats,
        teams,
        training_datasets,
        training_runs,
        user_preferences,
        users,
        venues
        TO aipro_app;
    GRANT SELECT, INSERT, UPDATE ON
        fact_prediction_runs
        TO aipro_app;
    GRANT SELECT, INSERT ON
        audit_logs,
        fact_predictions,
        game_revisions,
        predictions,
        shap_explanations
        TO aipro_app;
    IF to_regclass('public.alembic_version') IS NOT NULL THEN
        GRANT SELECT ON alembic_version TO aipro_app;
    END IF;
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO aipro_app;
END
$$;
