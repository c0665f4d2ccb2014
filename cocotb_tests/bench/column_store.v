// The memory behind a head: digital copies of the stored columns, and answers to its requests.
//
// A column is copied when its token is accepted. The memory takes a request and reads the copy in
// the same cycle; it answers quick of 256 requests at once, the others after a random wait of up to
// slowest cycles. So late answers are stale, and answers overtake each other. Of every burst cycles, answers leave in the first few only. In busy
// of 256 spans of cycles, drawn at random, it takes no request. Reset draws anew from seed.

module column_store #(
    parameter KEY_WIDTH = 1,
    parameter VALUE_WIDTH = 1,
    parameter WINDOW = 1,
    parameter COLUMNS = 1,
    parameter SINK = 0,
    parameter TILE_BITS = 1,
    parameter COLUMN_BITS = 1,
    parameter TAG_BITS = 2
) (
    input  wire                                     clk,
    input  wire                                     rst,
    input  wire                                     accept,
    input  wire                                     first,
    input  wire                                     further,
    input  wire [KEY_WIDTH+VALUE_WIDTH-1:0]         codes,
    input  wire [TAG_BITS+COLUMN_BITS+TILE_BITS-1:0] request_payload,
    input  wire                                     request_valid,
    output wire                                     request_ready,
    output reg  [TAG_BITS+KEY_WIDTH+VALUE_WIDTH-1:0] response_payload,
    output reg                                      response_valid,
    input  wire                                     response_ready
);
    localparam TAGS = 1 << TAG_BITS;

    localparam OPEN = 2 * TAGS;

    reg [31:0] slowest, burst, span, seed;
    reg [8:0]  busy, quick;
    reg [31:0] random, in_burst, in_span;
    reg [7:0]  drawn;

    wire [31:0] random_1 = random ^ (random << 13);
    wire [31:0] random_2 = random_1 ^ (random_1 >> 17);

    always @(posedge clk) begin
        random <= rst ? seed : random_2 ^ (random_2 << 5);
        in_burst <= rst || in_burst + 1 >= burst ? 0 : in_burst + 1;
        in_span <= rst || in_span + 1 >= span ? 0 : in_span + 1;
        if (in_span == 0) drawn <= random[15:8];
    end

    // Where the next token goes.
    reg [31:0] ring, early;
    reg        fresh;
    wire       starts = first | fresh;
    wire [31:0] next_ring = starts || ring == WINDOW - 1 ? 0 : ring + 1;
    wire [31:0] next_early = starts ? 0 : early == SINK ? early : early + 1;
    wire [31:0] next_slot = next_early < SINK ? WINDOW + next_early : next_ring;

    reg [KEY_WIDTH+VALUE_WIDTH-1:0] columns [0:WINDOW+SINK-1];

    always @(posedge clk) begin
        if (rst) begin
            fresh <= 1;
        end else if (accept) begin
            fresh <= 0;
            if (starts | ~further) begin
                ring <= next_ring;
                early <= next_early;
                columns[next_slot] <= codes;
            end
        end
    end

    // Requests that were taken and are not answered yet.
    wire [31:0] tile = {{(32-TILE_BITS){1'b0}}, request_payload[0+:TILE_BITS]};
    wire [31:0] column = {{(32-COLUMN_BITS){1'b0}}, request_payload[TILE_BITS+:COLUMN_BITS]};
    wire [TAG_BITS-1:0] tag = request_payload[TILE_BITS+COLUMN_BITS+:TAG_BITS];
    wire [31:0] slot = tile * COLUMNS + column;

    reg [TAGS-1:0] waiting;
    reg [31:0] left [0:TAGS-1];
    reg [KEY_WIDTH+VALUE_WIDTH-1:0] copies [0:TAGS-1];

    assign request_ready = {1'b0, drawn} >= busy;

    integer each;
    reg [TAG_BITS:0] answered;

    always @* begin
        answered = TAGS;
        for (each = 0; each < TAGS; each = each + 1)
            if (waiting[each] && left[each] == 0 && in_burst < OPEN) answered = each;
    end

    always @(posedge clk) begin
        for (each = 0; each < TAGS; each = each + 1)
            if (left[each] != 0) left[each] <= left[each] - 1;
        if (rst) begin
            waiting <= 0;
            response_valid <= 0;
        end else begin
            if (~response_valid | response_ready) begin
                response_valid <= answered != TAGS;
                response_payload <= {answered[TAG_BITS-1:0], copies[answered[TAG_BITS-1:0]]};
                if (answered != TAGS) waiting[answered[TAG_BITS-1:0]] <= 0;
            end
            if (request_valid & request_ready) begin
                waiting[tag] <= 1;
                left[tag] <= {1'b0, random[31:24]} < quick ? 0 : random_1 % (slowest + 1);
                copies[tag] <= columns[slot];
            end
        end
    end

    initial begin
        slowest = 0;
        burst = 0;
        span = 0;
        seed = 1;
        busy = 0;
        quick = 0;
    end
endmodule
