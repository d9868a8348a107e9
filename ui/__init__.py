"""What pages share of Streamlit. `fer_core` knows nothing of it; a helper inside pages/ would become a page itself."""
