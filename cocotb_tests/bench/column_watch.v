// The test bench's own belief of what every column holds, and of the head's status.
//
// It follows the token stream, the memory's requests and answers, and the clock; never the head. Every
// write on the wires must be that of a token, the clear that starts a sequence, or the refresh of the
// column under visit: with its token's codes if these came in time, else with code 0. The first
// fault stays in fault, with its cycle and column, and what was seen and wanted.

module column_watch #(
    parameter KEY_WIDTH = 1,
    parameter VALUE_WIDTH = 1,
    parameter WINDOW = 1,
    parameter COLUMNS = 1,
    parameter SINK = 0,
    parameter TILE_BITS = 1,
    parameter COLUMN_BITS = 1,
    parameter TAG_BITS = 2,
    parameter FILL_BITS = 1,
    parameter COUNTER_BITS = 16,
    parameter AGE_BITS = 1,
    parameter CLEAR_CYCLES = 1,
    parameter K_WRITE_START = 1,
    parameter K_WRITE_END = 2,
    parameter V_WRITE_START = 1,
    parameter V_WRITE_END = 2,
    // Plan of the refresh: cycles; a visit of 0 cycles means that there is none.
    parameter VISIT = 0,
    parameter PATIENCE = 0,
    parameter SEGMENT = 1,
    parameter AGE_BEFORE_VISIT = 0
) (
    input wire                                      clk,
    input wire                                      rst,
    input wire                                      accept,
    input wire                                      first,
    input wire                                      further,
    input wire [KEY_WIDTH+VALUE_WIDTH-1:0]          codes,
    input wire [TAG_BITS+COLUMN_BITS+TILE_BITS-1:0] request_payload,
    input wire                                      request_valid,
    input wire                                      request_ready,
    input wire [TAG_BITS-1:0]                       response_tag,
    input wire                                      response_valid,
    input wire                                      response_ready,
    input wire                                      k_enable, k_broadcast, v_enable, v_broadcast,
    input wire [TILE_BITS-1:0]                      k_tile, v_tile,
    input wire [COLUMN_BITS-1:0]                    k_column, v_column,
    input wire [KEY_WIDTH-1:0]                      k_code,
    input wire [VALUE_WIDTH-1:0]                    v_code,
    input wire [FILL_BITS-1:0]                      fill,
    input wire [COUNTER_BITS-1:0]                   refreshed, dropped,
    input wire [AGE_BITS-1:0]                       worst_age,
    output reg [7:0]                                fault,
    output reg [31:0]                               fault_cycle, fault_slot, fault_seen, fault_wanted
);
    localparam SLOTS = WINDOW + SINK;
    // A visit looks at its column first. Status may lag behind the wires by as much.
    localparam SETTLE = 3;
    localparam [7:0] NO_FAULT = 0, FILL = 1, REFRESHED = 2, DROPPED = 3, WORST_AGE = 4, OLDER = 5,
        ENABLE = 6, BROADCAST = 7, PLACE = 8, CODES = 9, NOT_VISITED = 10, REFRESH_CODES = 11,
        CLEARED = 12, CLEARED_EARLY = 13, NOT_ASKED = 14, NOT_CLEARED = 15, REQUEST = 16,
        REQUEST_MOVED = 17, TAG = 18, REFUSED = 19,
        YOUNG = 20, SKIPPED = 21;

    reg [31:0] cycle;  // not reset: stamps of writes before a reset stay in the past

    task blame;
        input [7:0] code;
        input [31:0] slot, seen, wanted;
        if (fault == NO_FAULT) begin
            fault = code;
            fault_cycle = cycle;
            fault_slot = slot;
            fault_seen = seen;
            fault_wanted = wanted;
        end
    endtask

    function during;
        input integer age, start, stop;
        during = age >= start && age < stop;
    endfunction

    // Where the next token goes.
    reg fresh, starts;
    reg [31:0] ring, early, slot;

    // The latest token that was accepted, and the clear before it; ages count from their launch.
    reg [31:0] token_slot;
    reg [KEY_WIDTH+VALUE_WIDTH-1:0] token_codes;
    integer token_age, clear_age;

    // What the cells hold: of each column its codes, when its write began, and if it holds a token.
    reg [KEY_WIDTH+VALUE_WIDTH-1:0] columns [0:SLOTS-1];
    reg [31:0] written [0:SLOTS-1];
    reg [SLOTS-1:0] holds;
    reg [31:0] cleared, age, oldest;

    // The visit: its column, cycles since it began, the request of this visit and its answer.
    reg [31:0] visited, elapsed, give_up;
    reg asked, arrived, could_ask;
    reg [2:0] may_ask;
    reg [TAG_BITS-1:0] tag, last_tag, next_tag;
    reg [(1<<TAG_BITS)-1:0] unanswered;
    reg request_waits, refused;  // a visit that waits takes a late response in its second cycle
    reg [TAG_BITS+COLUMN_BITS+TILE_BITS-1:0] request_shown;

    // A visit skips a column whose token came in this segment of visits or in the one before, and
    // all columns if the sequence started then. It must not skip any other. It is over when a token
    // overwrites its column, or starts a sequence; also if it did so in the cycle before the visit.
    // A refresh that was launched before is written all the same.
    reg [31:0] visits, segment, start_segment, over_since;
    reg [31:0] token_segment [0:SLOTS-1];
    reg segment_ends, lately, pending, skips, over, must_write, enters;

    // The refresh on the wires.
    integer refresh_age;
    reg refreshing, refresh_data;
    reg [31:0] refresh_slot;
    reg [KEY_WIDTH+VALUE_WIDTH-1:0] refresh_codes;

    // Status. A column is dropped unseen if a sequence starts, or a token overwrites it, in the very
    // cycle that ends its patience: then the head may have counted it or not.
    reg [FILL_BITS-1:0] true_fill;
    reg [COUNTER_BITS-1:0] true_refreshed, true_dropped;
    reg [AGE_BITS-1:0] true_worst_age;
    reg [31:0] longest;
    reg dropped_unseen;
    reg [2:0] settling;

    task look_at_status;
        begin
            if (settling != 0) settling = settling - 1;
            else if (VISIT == 0 || (!refreshing && elapsed >= SETTLE && elapsed < PATIENCE)) begin
                if (dropped_unseen && dropped === true_dropped + 1'b1)
                    true_dropped = true_dropped + 1;
                dropped_unseen = 0;
                if (fill !== true_fill) blame(FILL, 0, fill, true_fill);
                if (refreshed !== true_refreshed) blame(REFRESHED, 0, refreshed, true_refreshed);
                if (dropped !== true_dropped) blame(DROPPED, 0, dropped, true_dropped);
                if (AGE_BITS != 0 && worst_age !== true_worst_age)
                    blame(WORST_AGE, 0, worst_age, true_worst_age);
                if (oldest > true_worst_age) blame(OLDER, 0, true_worst_age, oldest);
            end
        end
    endtask

    task look_at_visit;
        if (elapsed == 1) begin
            lately = segment - start_segment <= 1;
            pending = token_slot == visited && token_age <= K_WRITE_START;
            skips = over || (true_fill != 0 && !pending && (lately || (holds[visited]
                && visited < WINDOW && segment - token_segment[visited] <= 1)));
            must_write = true_fill != 0 && !pending && !skips;
        end
    endtask

    task look_at_requests;
        begin
            slot = request_payload[0+:TILE_BITS] * COLUMNS + request_payload[TILE_BITS+:COLUMN_BITS];
            tag = request_payload[TILE_BITS+COLUMN_BITS+:TAG_BITS];
            next_tag = last_tag + 1;
            if (request_waits) begin
                if (request_valid !== 1'b1 || request_payload !== request_shown)
                    blame(REQUEST_MOVED, slot, 0, 0);
            end else if (request_valid !== 1'b0) begin
                if (VISIT == 0 || request_valid !== 1'b1 || asked || slot !== visited
                    || holds[visited] !== 1'b1) blame(REQUEST, slot, 0, 0);
                else if (tag !== next_tag || unanswered[tag]) blame(TAG, slot, tag, next_tag);
                else if (skips) blame(YOUNG, slot, 0, 0);
                asked = 1;
                last_tag = tag;
                unanswered[tag] = 1;
            end else if (!asked && elapsed >= SETTLE && elapsed < PATIENCE
                && !unanswered[next_tag]) begin
                if (may_ask == SETTLE) could_ask = 1;
                else may_ask = may_ask + 1;
            end
            request_waits = request_valid === 1'b1 && request_ready !== 1'b1;
            request_shown = request_payload;

            if (response_valid === 1'b1) begin
                if (asked && response_tag === last_tag) begin
                    if (elapsed <= give_up) arrived = 1;
                end else if (response_ready !== 1'b1 && refused)
                    blame(REFUSED, visited, response_tag, 0);
                refused = response_ready !== 1'b1;
                if (response_ready === 1'b1) unanswered[response_tag] = 0;
            end
        end
    endtask

    // One write port; seen and wanted codes are of that port.
    task look_at_port;
        input enable, broadcast, token, clear, refresh;
        input [31:0] at;
        input same_as_token, same_as_refresh, zero;
        if (enable !== (token || clear || refresh)) blame(ENABLE, at, enable, !enable);
        else if (enable) begin
            if (broadcast !== clear) blame(BROADCAST, at, broadcast, clear);
            else if (clear) begin
                if (!zero) blame(CODES, at, 0, 0);
            end else if (at !== (refresh ? refresh_slot : token_slot))
                blame(PLACE, at, at, refresh ? refresh_slot : token_slot);
            else if (refresh && !same_as_refresh) begin
                if (!refresh_data) blame(NOT_CLEARED, at, 0, 0);
                else if (zero) blame(CLEARED, at, 0, 0);
                else blame(REFRESH_CODES, at, 0, 0);
            end else if (token && !same_as_token) blame(CODES, at, 0, 0);
        end
    endtask

    task begin_refresh;
        begin
            refreshing = 1;
            refresh_age = K_WRITE_START;
            refresh_slot = k_tile * COLUMNS + k_column;
            if (refresh_slot !== visited) blame(NOT_VISITED, refresh_slot, refresh_slot, visited);
            refresh_slot = visited;
            if (skips || (over && cycle - over_since >= K_WRITE_START)) blame(YOUNG, visited, 0, 0);
            must_write = 0;
            refresh_data = holds[visited] && arrived;
            refresh_codes = refresh_data ? columns[visited] : 0;
            age = cycle - (written[visited] > cleared ? written[visited] : cleared);
            if (age > oldest) oldest = age;
            written[visited] = cycle;
            if (holds[visited] && !refresh_data) begin
                if (elapsed <= PATIENCE + K_WRITE_START) blame(CLEARED_EARLY, visited, elapsed, PATIENCE);
                else if (!asked && could_ask) blame(NOT_ASKED, visited, 0, 0);
                true_dropped = true_dropped + 1;
            end
        end
    endtask

    reg k_token, k_clear, k_refresh, v_token, v_clear, v_refresh;

    task look_at_writes;
        begin
            k_token = during(token_age, K_WRITE_START, K_WRITE_END);
            v_token = during(token_age, V_WRITE_START, V_WRITE_END);
            k_clear = during(clear_age, K_WRITE_START, K_WRITE_END);
            v_clear = during(clear_age, V_WRITE_START, V_WRITE_END);
            if (clear_age == K_WRITE_START) begin
                holds = 0;
                cleared = cycle;
            end
            if (token_age == K_WRITE_START) begin
                columns[token_slot] = token_codes;
                written[token_slot] = cycle;
                holds[token_slot] = 1;
            end
            if (VISIT != 0 && !refreshing && k_enable === 1'b1 && !k_token && !k_clear) begin_refresh;
            k_refresh = refreshing && during(refresh_age, K_WRITE_START, K_WRITE_END);
            v_refresh = refreshing && during(refresh_age, V_WRITE_START, V_WRITE_END);
            if (k_enable !== 1'b0 || k_token || k_clear || k_refresh)
                look_at_port(k_enable, k_broadcast, k_token, k_clear, k_refresh,
                    k_tile * COLUMNS + k_column, k_code === token_codes[0+:KEY_WIDTH],
                    k_code === refresh_codes[0+:KEY_WIDTH], k_code === 0);
            if (v_enable !== 1'b0 || v_token || v_clear || v_refresh)
                look_at_port(v_enable, v_broadcast, v_token, v_clear, v_refresh,
                    v_tile * COLUMNS + v_column, v_code === token_codes[KEY_WIDTH+:VALUE_WIDTH],
                    v_code === refresh_codes[KEY_WIDTH+:VALUE_WIDTH], v_code === 0);
            if (refreshing && refresh_age == V_WRITE_END - 1) begin
                refreshing = 0;
                settling = SETTLE;
                if (refresh_data) true_refreshed = true_refreshed + 1;
                if (elapsed > longest) longest = elapsed;
                true_worst_age = longest == 0 ? 0 : AGE_BEFORE_VISIT + longest;
            end
        end
    endtask

    task look_at_tokens;
        if (accept !== 1'b1) enters = 0;
        else begin
            starts = first | fresh;
            fresh = 0;
            enters = starts | ~further;
            if (enters) begin
                ring = starts || ring == WINDOW - 1 ? 0 : ring + 1;
                early = starts ? 0 : early == SINK ? early : early + 1;
                token_slot = early < SINK ? WINDOW + early : ring;
                token_codes = codes;
                token_age = starts ? -CLEAR_CYCLES : 0;
                if (starts) clear_age = 0;
                if (starts) true_fill = 1;
                else if (true_fill != SLOTS) true_fill = true_fill + 1;
                settling = SETTLE;
                segment_ends = elapsed + 1 == VISIT && visits == SEGMENT - 1;
                if (starts) start_segment = segment + segment_ends;
                token_segment[token_slot] = segment + segment_ends;
                if (starts || token_slot == visited) begin
                    must_write = 0;
                    if (!over) over_since = cycle;
                    over = 1;
                end
                // The head gives up a cycle later if a token entered just before.
                if (elapsed == PATIENCE - 1) give_up = PATIENCE + 1;
                else if (elapsed == give_up && holds[visited] && !arrived
                    && (starts || token_slot == visited) && (asked || !could_ask))
                    dropped_unseen = 1;
            end
        end
    endtask

    always @(posedge clk) begin
        cycle = cycle + 1;
        if (rst !== 1'b0) begin
            fresh = 1;
            ring = 0;
            early = 0;
            token_age = V_WRITE_END;
            clear_age = V_WRITE_END;
            holds = 0;
            cleared = cycle;
            oldest = 0;
            visited = 0;
            elapsed = 0;
            give_up = PATIENCE;
            asked = 0;
            arrived = 0;
            could_ask = 0;
            may_ask = 0;
            last_tag = {TAG_BITS{1'b1}};
            unanswered = 0;
            request_waits = 0;
            refused = 0;
            refreshing = 0;
            visits = 0;
            segment = 0;
            start_segment = 0;
            skips = 0;
            over = 0;
            must_write = 0;
            true_fill = 0;
            true_refreshed = 0;
            true_dropped = 0;
            true_worst_age = 0;
            longest = 0;
            dropped_unseen = 0;
            settling = 0;
        end else if (fault == NO_FAULT) begin
            look_at_status;
            if (VISIT != 0) look_at_visit;
            if ({request_waits, request_valid, response_valid} !== 3'd0 || !(asked | could_ask))
                look_at_requests;
            if ({k_enable, v_enable} !== 2'd0 || refreshing
                || token_age != V_WRITE_END || clear_age != V_WRITE_END) look_at_writes;
            look_at_tokens;
            if (token_age != V_WRITE_END) token_age = token_age + 1;
            if (clear_age != V_WRITE_END) clear_age = clear_age + 1;
            if (refreshing) refresh_age = refresh_age + 1;
            if (elapsed + 1 < VISIT) elapsed = elapsed + 1;
            else if (VISIT != 0) begin
                if (must_write) blame(SKIPPED, visited, 0, 0);
                must_write = 0;
                skips = 0;
                if (visits == SEGMENT - 1) segment = segment + 1;
                visits = visits == SEGMENT - 1 ? 0 : visits + 1;
                elapsed = 0;
                visited = visited == SLOTS - 1 ? 0 : visited + 1;
                over = enters && token_slot == visited;
                give_up = PATIENCE;
                asked = 0;
                arrived = 0;
                could_ask = 0;
                may_ask = 0;
            end
        end
    end

    initial begin
        cycle = 0;
        fault = NO_FAULT;
        for (slot = 0; slot < SLOTS; slot = slot + 1) written[slot] = 0;
    end
endmodule
